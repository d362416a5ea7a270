// Durations on the command line and on the screen. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fluxrig::client {

// "250ms", "20s", "1.5m", "2h" in ns; nullopt for everything else, for negative ones and those over 30 days.
[[nodiscard]] std::optional<std::int64_t> parse_duration(std::string_view text);

// Milliseconds in three significant digits: "0.02", "1.84", "18.4", "184", "1840".
[[nodiscard]] std::string milliseconds_text(std::int64_t nanos);

// How long ago, for people: "3 s", "5 min", "2 h", "4 d".
[[nodiscard]] std::string age_text(std::int64_t nanos);

}  // namespace fluxrig::client
