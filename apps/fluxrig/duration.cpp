#include "fluxrig/duration.hpp"

#include <fmt/core.h>

#include <array>
#include <cmath>
#include <cstdlib>

#include "base/clock.hpp"

namespace fluxrig::client {

std::optional<std::int64_t> parse_duration(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, double>, 6> kUnits{
      {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9}}};
  constexpr double kMost = 30 * 86400e9;
  const auto digits = text.find_first_not_of("0123456789.");
  if (digits == 0 || digits == std::string_view::npos || text.size() > 32) return std::nullopt;
  const std::string number(text.substr(0, digits));
  char* end = nullptr;
  const double value = std::strtod(number.c_str(), &end);
  if (*end != '\0') return std::nullopt;
  for (const auto& [unit, nanos] : kUnits)
    if (text.substr(digits) == unit && value * nanos <= kMost) return std::llround(value * nanos);
  return std::nullopt;
}

std::string milliseconds_text(std::int64_t nanos) {
  const double value = static_cast<double>(nanos) / static_cast<double>(kNanosPerMilli);
  if (value < 9.995) return fmt::format("{:.2f}", value);
  if (value < 99.95) return fmt::format("{:.1f}", value);
  return fmt::format("{:.0f}", value);
}

std::string age_text(std::int64_t nanos) {
  const auto seconds = nanos / kNanosPerSecond;
  if (seconds < 120) return fmt::format("{} s", std::max<std::int64_t>(seconds, 0));
  if (seconds < 2 * 3600) return fmt::format("{} min", seconds / 60);
  if (seconds < 2 * 86400) return fmt::format("{} h", seconds / 3600);
  return fmt::format("{} d", seconds / 86400);
}

}  // namespace fluxrig::client
