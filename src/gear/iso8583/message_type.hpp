// What an ISO 8583 message type says, and how a request is answered and found again. Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gear/gear.hpp"
#include "gear/message.hpp"

namespace fluxrig::gear::iso8583 {

// Four digits whose class, function and origin the standard has assigned: a bounded vocabulary (names of
// spans).
[[nodiscard]] bool is_known_type(std::string_view type) noexcept;
// An odd function: response, notification or acknowledgement of something that was sent.
[[nodiscard]] bool is_response(std::string_view type) noexcept;
// 0200 and its repeat 0201 become 0210; empty when `type` is a response already or no type at all.
[[nodiscard]] std::string response_type(std::string_view type);

// Element 39 for a failure: two characters in 1987, an action code of three digits in 1993 and later.
[[nodiscard]] std::string_view response_code(char version, FailureCode code) noexcept;

// The answer to `request` for a failure: type, 39, and what identifies the request, as far as present.
// Nothing when the request's type has no response.
[[nodiscard]] Fields failure_response(const Fields& request, FailureCode code);

// "0210|1122140307|000123||TERM0001": the response's type, then the values of `elements`, blank where absent;
// trailing spaces do not count. `blank`: an element to leave out (0: none).
[[nodiscard]] std::string correlation_key(std::string_view response, const Fields& fields,
                                          std::span<const unsigned> elements, unsigned blank = 0);

}  // namespace fluxrig::gear::iso8583
