#include "sanitize/scan/card_number.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "sanitize/build.hpp"

namespace fluxrig::sanitize {
namespace {

constexpr std::uint32_t lengths(unsigned least, unsigned most) noexcept {
  std::uint32_t bits = 0;
  for (unsigned n = least; n <= most; ++n) bits |= 1U << n;
  return bits;
}

struct Range {
  std::uint16_t low;  // the first four digits
  std::uint16_t high;
  std::uint32_t lengths;
};

// Ascending, ranges may overlap. Wider than today's issue where a scheme owns the whole range. Not here: UATP
// (1, 15 digits), no brand of PCI DSS, whose prefix every account number shares.
constexpr std::array kRanges = {
    Range{2200, 2205, lengths(16, 19)},                     // Mir, Borica
    Range{2221, 2720, lengths(16, 16)},                     // Mastercard
    Range{3000, 3059, lengths(14, 19)},                     // Diners Club
    Range{3095, 3095, lengths(14, 19)},                     //
    Range{3400, 3499, lengths(15, 15)},                     // American Express
    Range{3528, 3589, lengths(16, 19)},                     // JCB
    Range{3600, 3699, lengths(14, 19)},                     // Diners Club
    Range{3700, 3799, lengths(15, 15)},                     // American Express
    Range{3800, 3999, lengths(14, 19)},                     // Diners Club
    Range{4000, 4999, (1U << 13) | (1U << 16) | 1U << 19},  // Visa
    Range{5000, 5099, lengths(16, 19)},                     // Maestro, Verve, Elo, Dankort
    Range{5018, 5018, lengths(12, 19)},                     // Maestro
    Range{5020, 5020, lengths(12, 19)},                     //
    Range{5038, 5038, lengths(12, 19)},                     //
    Range{5100, 5599, lengths(16, 16)},                     // Mastercard
    Range{5600, 5899, lengths(16, 19)},                     // Maestro
    Range{5893, 5893, lengths(12, 19)},                     //
    Range{6000, 6999, lengths(16, 19)},  // Discover, UnionPay, Maestro, RuPay, Troy, Hipercard
    Range{6304, 6304, lengths(12, 19)},  // Maestro
    Range{6759, 6759, lengths(12, 19)},  //
    Range{6761, 6763, lengths(12, 19)},  //
    Range{8100, 8299, lengths(16, 19)},  // UnionPay, RuPay
    Range{8600, 8600, lengths(16, 16)},  // Uzcard
    Range{9704, 9704, lengths(16, 19)},  // Napas
    Range{9792, 9792, lengths(16, 16)},  // Troy
    Range{9860, 9860, lengths(16, 16)},  // Humo
};

constexpr std::uint32_t kInShortRuns = lengths(14, 16);
constexpr std::size_t kLongRun = 20;

}  // namespace

bool luhn(std::string_view digits) noexcept {
  static constexpr std::uint8_t kDoubled[] = {0, 2, 4, 6, 8, 1, 3, 5, 7, 9};
  unsigned sum = 0;
  std::size_t i = digits.size();
  while (i >= 2) {
    sum += static_cast<unsigned>(digits[i - 1] - '0') + kDoubled[digits[i - 2] - '0'];
    i -= 2;
  }
  if (i == 1) sum += static_cast<unsigned>(digits[0] - '0');
  return sum % 10 == 0;
}

std::uint32_t issued_lengths(std::string_view digits) noexcept {
  if (digits.size() < 4) return 0;
  const int prefix =
      (digits[0] - '0') * 1000 + (digits[1] - '0') * 100 + (digits[2] - '0') * 10 + (digits[3] - '0');
  std::uint32_t bits = 0;
  for (const auto& range : kRanges) {
    if (prefix < range.low) break;
    if (prefix <= range.high) bits |= range.lengths;
  }
  return bits;
}

bool is_card_number(std::string_view digits) noexcept {
  if (digits.size() < kLeastCardDigits || digits.size() > kMostCardDigits) return false;
  return ((issued_lengths(digits) >> digits.size()) & 1U) != 0 && luhn(digits);
}

bool holds_card_number(std::string_view digits) noexcept {
  const std::uint32_t wanted = digits.size() < kLongRun ? kInShortRuns : ~0U;
  for (std::size_t start = 0; start + kLeastCardDigits <= digits.size(); ++start) {
    const auto rest = digits.substr(start);
    const std::uint32_t bits = issued_lengths(rest) & wanted;
    if (bits == 0) continue;
    const auto most = std::min(kMostCardDigits, rest.size());
    for (std::size_t size = kLeastCardDigits; size <= most; ++size)
      if (((bits >> size) & 1U) != 0 && luhn(rest.substr(0, size))) return true;
  }
  return false;
}

bool is_card_number(std::int64_t value) noexcept {
  if (!kSanitises) return false;
  char digits[20];
  const auto positive =
      value < 0 ? ~static_cast<std::uint64_t>(value) + 1 : static_cast<std::uint64_t>(value);
  const auto end = std::to_chars(digits, digits + sizeof digits, positive).ptr;
  return is_card_number(std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

bool is_card_number(double value) noexcept {
  constexpr double kMost = 9.2e18;  // beyond, no integer of 64 bits
  if (!(value < kMost && value > -kMost)) return false;
  const auto whole = static_cast<std::int64_t>(value);
  return static_cast<double>(whole) == value && is_card_number(whole);
}

}  // namespace fluxrig::sanitize
