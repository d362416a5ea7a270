// How the values of options are written: "250ms", "64KiB", "[::1]:8080". Any thread; values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gear/settings.hpp"

namespace fluxrig::gear {

// nullopt: not written that way, or too large for the result.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);
[[nodiscard]] std::optional<double> parse_number(std::string_view text);  // finite
[[nodiscard]] std::optional<bool> parse_boolean(std::string_view text);
// Milliseconds: "250ms", "5s", "1m", "2h", "7d", and a bare "0".
[[nodiscard]] std::optional<std::int64_t> parse_duration(std::string_view text);
// Bytes: "512", "64KiB", "2MB".
[[nodiscard]] std::optional<std::int64_t> parse_size(std::string_view text);
// host:port. Listening: the host is an IP address, "localhost" (127.0.0.1), or empty or "*" for all
// addresses; port 0 is any free one. Otherwise: a host name or IP address, and a port from 1.
[[nodiscard]] std::optional<Endpoint> parse_listen(std::string_view text);
[[nodiscard]] std::optional<Endpoint> parse_address(std::string_view text);

// The shortest exact form: 60000 is "1m", 65536 is "64KiB".
[[nodiscard]] std::string format_duration(std::int64_t milliseconds);
[[nodiscard]] std::string format_size(std::int64_t bytes);

}  // namespace fluxrig::gear
