// The methods that OpenTelemetry's conventions know by name, as attribute and as span name: low cardinality,
// whatever is sent. Interned once at start. One thread.
#pragma once

#include <array>
#include <string_view>

#include "tap/names.hpp"

namespace fluxrig::gear::net {

inline constexpr std::array<std::string_view, 9> kHttpMethods = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};

class HttpMethodNames {
 public:
  explicit HttpMethodNames(tap::Names& names) : other_(names.name("HTTP")) {
    for (std::size_t i = 0; i < kHttpMethods.size(); ++i) spans_[i] = names.name(kHttpMethods[i]);
  }
  // The method itself, or "HTTP".
  [[nodiscard]] tap::NameId span(std::string_view method) const noexcept {
    for (std::size_t i = 0; i < kHttpMethods.size(); ++i)
      if (kHttpMethods[i] == method) return spans_[i];
    return other_;
  }
  // The method itself, or "_OTHER".
  [[nodiscard]] static std::string_view known(std::string_view method) noexcept {
    for (const auto one : kHttpMethods)
      if (one == method) return one;
    return "_OTHER";
  }

 private:
  std::array<tap::NameId, kHttpMethods.size()> spans_;
  tap::NameId other_;
};

}  // namespace fluxrig::gear::net
