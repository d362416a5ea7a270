// Masking of digits: the parts of the sanitiser that need no key.
#include <algorithm>

#include "sanitize/sanitizer.hpp"

namespace fluxrig::sanitize {
namespace {

constexpr std::size_t kLeastCardDigits = 13;
constexpr std::size_t kMostCardDigits = 19;
constexpr std::size_t kShownFirst = 6;
constexpr std::size_t kShownLast = 4;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_separator(char c) noexcept { return c == ' ' || c == '-'; }

// A run that is no longer than a card number is one or is none. In a longer run (a whole message, say) any
// window may be one; the issuer digit keeps chance hits down.
bool holds_card_number(std::string_view digits) noexcept {
  if (digits.size() <= kMostCardDigits) return luhn(digits);
  for (std::size_t start = 0; start + kLeastCardDigits <= digits.size(); ++start) {
    if (digits[start] < '2' || digits[start] > '6') continue;
    const auto longest = std::min(kMostCardDigits, digits.size() - start);
    for (std::size_t size = kLeastCardDigits; size <= longest; ++size)
      if (luhn(digits.substr(start, size))) return true;
  }
  return false;
}

// A run is digits with single separators between them; `end` is one past its last digit.
std::size_t run_end(std::string_view text, std::size_t start) noexcept {
  std::size_t end = start;
  for (std::size_t i = start; i < text.size(); ++i) {
    if (is_digit(text[i])) {
      end = i + 1;
    } else if (!is_separator(text[i]) || i != end) {
      break;
    }
  }
  return end;
}

}  // namespace

bool luhn(std::string_view digits) noexcept {
  unsigned sum = 0;
  bool twice = false;
  for (std::size_t i = digits.size(); i > 0; --i, twice = !twice) {
    unsigned digit = static_cast<unsigned>(digits[i - 1] - '0');
    if (twice) digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
    sum += digit;
  }
  return sum % 10 == 0;
}

std::string mask(std::string_view value) {
  const auto total = static_cast<std::size_t>(std::count_if(value.begin(), value.end(), is_digit));
  const bool show_ends = total >= kLeastCardDigits;
  std::string out(value);
  std::size_t position = 0;
  for (char& c : out) {
    if (!is_digit(c)) continue;
    const bool shown = show_ends && (position < kShownFirst || position + kShownLast >= total);
    if (!shown) c = '*';
    ++position;
  }
  return out;
}

std::string mask_card_numbers(std::string_view text) {
  std::string out(text);
  std::size_t i = 0;
  while (i < text.size()) {
    if (!is_digit(text[i])) {
      ++i;
      continue;
    }
    const std::size_t end = run_end(text, i);
    if (end - i >= kLeastCardDigits) {
      std::string digits;
      for (const char c : text.substr(i, end - i))
        if (is_digit(c)) digits.push_back(c);
      // What remains of a masked number must not look like one again: the whole run is masked at once.
      if (digits.size() >= kLeastCardDigits && holds_card_number(digits)) {
        const std::string masked = mask(text.substr(i, end - i));
        std::copy(masked.begin(), masked.end(), out.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
    i = end;
  }
  return out;
}

}  // namespace fluxrig::sanitize
