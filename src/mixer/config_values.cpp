#include <fmt/core.h>

#include <array>
#include <charconv>

#include "mixer/config.hpp"

namespace fluxrig::mixer {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array<Unit, 9> kUnits{{{"", 1},
                                      {"B", 1},
                                      {"KB", 1'000},
                                      {"MB", 1'000'000},
                                      {"GB", 1'000'000'000},
                                      {"KiB", 1ULL << 10},
                                      {"MiB", 1ULL << 20},
                                      {"GiB", 1ULL << 30},
                                      {"TiB", 1ULL << 40}}};

}  // namespace

Outcome<Endpoint> parse_endpoint(std::string_view text) {
  const auto wrong = [&] {
    return problem(
        fmt::format("'{}' is no address; write host:port, such as 127.0.0.1:7070", text.substr(0, 128)));
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

Outcome<std::uint64_t> parse_byte_size(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{}) {
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    for (const auto& known : kUnits)
      if (known.name == unit && number <= UINT64_MAX / known.bytes) return number * known.bytes;
  }
  return problem(
      fmt::format("'{}' is no size; write a number and a unit, such as 512MiB", text.substr(0, 64)));
}

}  // namespace fluxrig::mixer
