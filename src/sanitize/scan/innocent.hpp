// Digits that are known to be something else by their own structure, so that the scanner leaves them alone.
// Any thread; values only.
#pragma once

#include <cstddef>
#include <string_view>

namespace fluxrig::sanitize {

// 19 digits that begin with 1: nanoseconds since 1970 in the years 2001 to 2033, and most time-ordered
// identifiers of 64 bits. No issuer's number begins so.
[[nodiscard]] bool is_time_in_nanoseconds(std::string_view digits) noexcept;

// The greatest and smallest integers of 64 and 128 bits, which stand for "no limit" in many a log.
[[nodiscard]] bool is_integer_limit(std::string_view digits) noexcept;

// One past the decimal number ("0.7261839461523487", "-12.30000000000000004") whose integer part is [begin,
// end): one to three digits, a point, and 12 digits or more. 0 when it is none.
[[nodiscard]] std::size_t decimal_end(std::string_view text, std::size_t begin, std::size_t end) noexcept;

// 14 when the digits begin with a valid YYYYMMDDhhmmss of the years 1990 to 2099, else 0.
[[nodiscard]] std::size_t date_and_time_prefix(std::string_view digits) noexcept;

// A '+' and 12 or 13 digits (E.164). Numbers of 14 digits and more stay suspect: in a form's body '+' is a
// blank.
[[nodiscard]] bool is_telephone_number(std::string_view text, std::size_t begin,
                                       std::string_view digits) noexcept;

// [begin, end) lies inside an IBAN: country, length and check digits (ISO 13616, modulo 97) are right.
[[nodiscard]] bool inside_iban(std::string_view text, std::size_t begin, std::size_t end) noexcept;

}  // namespace fluxrig::sanitize
