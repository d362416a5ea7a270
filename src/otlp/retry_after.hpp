// The HTTP field Retry-After (RFC 9110, 10.2.3): a number of seconds, or a date in any of the three forms
// that a recipient must read (5.6.7). Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.hpp"

namespace fluxrig::otlp {

inline constexpr std::int64_t kMaxRetryAfter = 3'600 * kNanosPerSecond;  // longer is taken as this

// Hostile bytes. Nanoseconds from `now` on, 0 to kMaxRetryAfter: a date that has passed is 0. nullopt:
// neither form, and then the field is as good as absent.
[[nodiscard]] std::optional<std::int64_t> parse_retry_after(std::string_view value, UnixNanos now) noexcept;

// "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"; seconds
// since 1970. The day of the week is not checked. `now` decides the century of the second form.
[[nodiscard]] std::optional<std::int64_t> parse_http_date(std::string_view text, UnixNanos now) noexcept;

}  // namespace fluxrig::otlp
