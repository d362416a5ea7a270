#include <fmt/core.h>

#include <charconv>

#include "mixer/config.hpp"
#include "sanitize/excerpt.hpp"

namespace fluxrig::mixer {

Outcome<Endpoint> parse_endpoint(std::string_view text) {
  const auto wrong = [&] {
    return problem(fmt::format("'{}' is no address; write host:port, such as 127.0.0.1:7070",
                               sanitize::excerpt(text, 128)));
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return wrong();  // an IPv6 address without brackets: its last group would be taken for the port
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || host.size() > 253) return wrong();
  return Endpoint{host.empty() ? "0.0.0.0" : std::string(host), port};
}

}  // namespace fluxrig::mixer
