#include "sanitize/scan/innocent.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "sanitize/scan/card_number.hpp"

namespace fluxrig::sanitize {
namespace {

struct Iban {
  char country[3];
  std::uint8_t length;
};

// The registry of ISO 13616, as published by SWIFT.
constexpr std::array kIbans = {
    Iban{"AD", 24}, Iban{"AE", 23}, Iban{"AL", 28}, Iban{"AT", 20}, Iban{"AZ", 28}, Iban{"BA", 20},
    Iban{"BE", 16}, Iban{"BG", 22}, Iban{"BH", 22}, Iban{"BR", 29}, Iban{"BY", 28}, Iban{"CH", 21},
    Iban{"CR", 22}, Iban{"CY", 28}, Iban{"CZ", 24}, Iban{"DE", 22}, Iban{"DK", 18}, Iban{"DO", 28},
    Iban{"EE", 20}, Iban{"EG", 29}, Iban{"ES", 24}, Iban{"FI", 18}, Iban{"FO", 18}, Iban{"FR", 27},
    Iban{"GB", 22}, Iban{"GE", 22}, Iban{"GI", 23}, Iban{"GL", 18}, Iban{"GR", 27}, Iban{"GT", 28},
    Iban{"HR", 21}, Iban{"HU", 28}, Iban{"IE", 22}, Iban{"IL", 23}, Iban{"IQ", 23}, Iban{"IS", 26},
    Iban{"IT", 27}, Iban{"JO", 30}, Iban{"KW", 30}, Iban{"KZ", 20}, Iban{"LB", 28}, Iban{"LC", 32},
    Iban{"LI", 21}, Iban{"LT", 20}, Iban{"LU", 20}, Iban{"LV", 21}, Iban{"MC", 27}, Iban{"MD", 24},
    Iban{"ME", 22}, Iban{"MK", 19}, Iban{"MR", 27}, Iban{"MT", 31}, Iban{"MU", 30}, Iban{"NL", 18},
    Iban{"NO", 15}, Iban{"PK", 24}, Iban{"PL", 28}, Iban{"PS", 29}, Iban{"PT", 25}, Iban{"QA", 29},
    Iban{"RO", 24}, Iban{"RS", 22}, Iban{"SA", 24}, Iban{"SE", 24}, Iban{"SI", 19}, Iban{"SK", 24},
    Iban{"SM", 27}, Iban{"TN", 24}, Iban{"TR", 26}, Iban{"UA", 29}, Iban{"VA", 22}, Iban{"VG", 24},
    Iban{"XK", 20},
};
constexpr std::size_t kLongestIban = 34;

bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
bool is_word(char c) noexcept { return is_digit(c) || is_upper(c) || (c >= 'a' && c <= 'z'); }

unsigned two(std::string_view digits, std::size_t at) noexcept {
  return static_cast<unsigned>((digits[at] - '0') * 10 + (digits[at + 1] - '0'));
}

std::size_t iban_length(std::string_view country) noexcept {
  for (const auto& iban : kIbans)
    if (country == std::string_view(iban.country, 2)) return iban.length;
  return 0;
}

// The remainder of the rearranged IBAN, fed a character at a time.
void feed(unsigned& remainder, char c) noexcept {
  const auto value = static_cast<unsigned>(is_digit(c) ? c - '0' : c - 'A' + 10);
  remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
}

// One past the IBAN that begins at `start` (blanks between its groups allowed); `start` when none does.
std::size_t iban_end(std::string_view text, std::size_t start) noexcept {
  const std::size_t length = iban_length(text.substr(start, 2));
  if (length == 0) return start;
  unsigned remainder = 0;
  std::size_t at = start + 4;
  for (std::size_t count = 4; count < length; ++count, ++at) {
    if (at < text.size() && text[at] == ' ') ++at;
    if (at >= text.size() || !(is_digit(text[at]) || is_upper(text[at]))) return start;
    feed(remainder, text[at]);
  }
  for (std::size_t i = start; i < start + 4; ++i) feed(remainder, text[i]);
  const bool ends = at >= text.size() || !is_word(text[at]);
  return remainder == 1 && ends ? at : start;
}

}  // namespace

bool is_time_in_nanoseconds(std::string_view digits) noexcept {
  return digits.size() == 19 && digits.front() == '1';
}

bool is_integer_limit(std::string_view digits) noexcept {
  static constexpr std::string_view kLimits[] = {"9223372036854775807",
                                                 "9223372036854775808",
                                                 "18446744073709551615",
                                                 "170141183460469231731687303715884105727",
                                                 "170141183460469231731687303715884105728",
                                                 "340282366920938463463374607431768211455"};
  return std::find(std::begin(kLimits), std::end(kLimits), digits) != std::end(kLimits);
}

std::size_t decimal_end(std::string_view text, std::size_t begin, std::size_t end) noexcept {
  constexpr std::size_t kMostInteger = 3;
  if (end - begin > kMostInteger || end >= text.size() || text[end] != '.') return 0;
  if (begin > 0 && (is_word(text[begin - 1]) || text[begin - 1] == '.' || text[begin - 1] == '_')) return 0;
  std::size_t at = end + 1;
  while (at < text.size() && is_digit(text[at])) ++at;
  if (at - end - 1 < kLeastCardDigits) return 0;
  return at < text.size() && text[at] == '.' ? 0 : at;
}

std::size_t date_and_time_prefix(std::string_view digits) noexcept {
  constexpr std::size_t kSize = 14;
  if (digits.size() < kSize) return 0;
  const unsigned century = two(digits, 0);
  const bool year = century == 20 || (century == 19 && digits[2] == '9');
  const bool date = two(digits, 4) - 1 < 12 && two(digits, 6) - 1 < 31;
  const bool time = two(digits, 8) < 24 && two(digits, 10) < 60 && two(digits, 12) < 60;
  return year && date && time ? kSize : 0;
}

bool is_telephone_number(std::string_view text, std::size_t begin, std::string_view digits) noexcept {
  return begin > 0 && text[begin - 1] == '+' && digits.size() <= 13;
}

bool inside_iban(std::string_view text, std::size_t begin, std::size_t end) noexcept {
  // The widest look back: the number is at the end, and a blank stands after every fourth character.
  const std::size_t reach = kLongestIban + kLongestIban / 4;
  const std::size_t least = begin > reach ? begin - reach : 0;
  for (std::size_t start = begin; start-- > least;) {
    if (start + 4 > text.size() || !is_upper(text[start]) || !is_upper(text[start + 1])) continue;
    if (!is_digit(text[start + 2]) || !is_digit(text[start + 3])) continue;
    if (start > 0 && is_word(text[start - 1])) continue;
    if (iban_end(text, start) >= end && end > start) return true;
  }
  return false;
}

}  // namespace fluxrig::sanitize
