// What a card number is: the issuers' ranges with their lengths (ISO/IEC 7812; ranges as the schemes publish
// them), and the Luhn check. Digits are ASCII '0'..'9' throughout; the caller guarantees it. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fluxrig::sanitize {

inline constexpr std::size_t kLeastCardDigits = 12;
inline constexpr std::size_t kMostCardDigits = 19;

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// The last digit is the check digit of ISO/IEC 7812-1. True for an empty text.
[[nodiscard]] bool luhn(std::string_view digits) noexcept;

// Bit n is set when numbers of n digits are issued under this prefix (4 digits at least, else 0).
[[nodiscard]] std::uint32_t issued_lengths(std::string_view digits) noexcept;

// All of the digits are one card number.
[[nodiscard]] bool is_card_number(std::string_view digits) noexcept;

// Some window of the digits is a card number. In a run of less than 20 digits only windows of 14 to 16 digits
// count: shorter and longer ones would mask a third of all long identifiers.
[[nodiscard]] bool holds_card_number(std::string_view digits) noexcept;

// A number field whose value prints as a card number, with either sign.
[[nodiscard]] bool is_card_number(std::int64_t value) noexcept;
[[nodiscard]] bool is_card_number(double value) noexcept;

}  // namespace fluxrig::sanitize
