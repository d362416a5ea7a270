#include "sanitize/scan/number_finder.hpp"

#include <algorithm>

#include "sanitize/scan/innocent.hpp"
#include "sanitize/scan/stripe.hpp"

namespace fluxrig::sanitize {
namespace {

// "19" and 19 digits: a length prefix, as in LLVAR fields, and its number.
constexpr std::size_t kLengthDigits = 2;
constexpr std::size_t kMostRead = kMostCardDigits + kLengthDigits;
constexpr std::size_t kWindowedGroup = 17;  // from here on a number may hide inside one group
constexpr std::size_t kLeastGroup = 3;
constexpr std::size_t kLeastPadded = 14;

// Padding and length prefixes come before the number in one run with it.
bool is_number(std::string_view digits) noexcept {
  if (is_card_number(digits)) return true;
  const auto first = std::min(digits.find_first_not_of('0'), digits.size());
  const auto bare = digits.substr(first);
  if (first > 0 && bare.size() >= kLeastPadded && is_card_number(bare)) return true;
  if (bare.size() < kLeastCardDigits + kLengthDigits) return false;
  const auto value = [&bare](std::size_t at) { return static_cast<std::size_t>(bare[at] - '0'); };
  const std::size_t told = value(0) * 10 + value(1);
  // Nobody issues 17 digits, and 19 digits that begin with 17 are a time in nanoseconds.
  return told != 17 && told + kLengthDigits == bare.size() && is_card_number(bare.substr(kLengthDigits));
}

class Finder {
 public:
  Finder(std::string_view text, std::size_t to, const FinderRules& rules, std::vector<Hit>& hits) noexcept
      : text_(text), to_(to), rules_(rules), hits_(hits) {}

  void run(std::size_t from) {
    for (std::size_t at = from; at < to_;) {
      if (!is_digit(text_[at])) {
        ++at;
        continue;
      }
      const std::size_t end = group_end(at);
      if (const std::size_t decimal = decimal_end(text_.substr(0, to_), at, end); decimal != 0) {
        if (end - at == 1) scientific(at, decimal);
        at = decimal;
        continue;
      }
      // The last element of a message in one run of digits with all before it.
      if (end - at > kMostCardDigits) stripe(at, end, false);
      if (rules_.every_window)
        windows(at, end);
      else if (end - at >= kWindowedGroup)
        long_group(at, end);
      sequences(at);
      at = end;
    }
  }

 private:
  [[nodiscard]] std::size_t group_end(std::size_t at) const noexcept {
    while (at < to_ && is_digit(text_[at])) ++at;
    return at;
  }

  // Where the next group begins when only separators stand between; to_ when none does.
  [[nodiscard]] std::size_t next_group(std::size_t end) const noexcept {
    for (std::size_t count = 0; end < to_ && count <= rules_.most_separators; ++count) {
      if (count > 0 && is_digit(text_[end])) return end;
      const std::size_t size = separator_at(text_, end);
      if (size == 0) break;
      end += size;
    }
    return to_;
  }

  void long_group(std::size_t begin, std::size_t end) {
    const auto digits = text_.substr(begin, end - begin);
    if (is_time_in_nanoseconds(digits) || is_integer_limit(digits)) return;
    if (holds_card_number(digits.substr(date_and_time_prefix(digits)))) hits_.push_back({begin, end, false});
  }

  // All groups from the one at `begin` on, as far as they can be one number together.
  void sequences(std::size_t begin) {
    char digits[kMostRead];
    std::size_t count = 0;
    std::size_t at = begin;
    std::size_t first_size = 0;
    bool wide = true;  // every group but the last has three digits or more
    bool even = rules_.even_groups;
    while (at < to_) {
      const std::size_t end = group_end(at);
      const std::size_t size = end - at;
      if (count + size > kMostRead) return;
      std::copy_n(text_.begin() + static_cast<std::ptrdiff_t>(at), size, digits + count);
      count += size;
      if (first_size == 0) first_size = size;
      even = even && size <= first_size;
      if (count >= kLeastCardDigits && (wide || even)) judge({digits, count}, begin, end);
      wide = wide && size >= kLeastGroup;
      even = even && size == first_size;
      if (!wide && !even) return;
      at = next_group(end);
    }
  }

  void stripe(std::size_t begin, std::size_t end, bool right_number) {
    if (const auto found = find_stripe(text_, {begin, end}, right_number))
      hits_.push_back({found->begin, found->end, true});
  }

  void judge(std::string_view digits, std::size_t begin, std::size_t end) {
    const bool right = is_number(digits);
    if (digits.size() <= kMostCardDigits) stripe(begin, end, right);
    if (right && !is_telephone_number(text_, begin, digits) && !is_integer_limit(digits))
      hits_.push_back({begin, end, false});
  }

  // 4.111111111111111e15: what a double makes of a number.
  void scientific(std::size_t begin, std::size_t end) {
    if (end + 1 >= text_.size() || (text_[end] | 0x20) != 'e' || end - begin > kMostRead) return;
    char digits[kMostRead];
    digits[0] = text_[begin];
    const std::size_t count = end - begin - 1;  // all but the point
    std::copy_n(text_.begin() + static_cast<std::ptrdiff_t>(begin) + 2, count - 1, digits + 1);
    std::size_t at = end + 1;
    if (text_[at] == '+') ++at;
    std::size_t exponent = 0;
    const std::size_t least = at;
    for (; at < text_.size() && at < least + 3 && is_digit(text_[at]); ++at)
      exponent = exponent * 10 + static_cast<std::size_t>(text_[at] - '0');
    if (exponent + 1 == count && is_card_number({digits, count})) hits_.push_back({begin, end, false});
  }

  void windows(std::size_t begin, std::size_t end) {
    for (std::size_t at = begin; at + kLeastCardDigits <= end; ++at) {
      const auto rest = text_.substr(at, std::min(kMostCardDigits, end - at));
      const std::uint32_t lengths = issued_lengths(rest);
      for (std::size_t size = kLeastCardDigits; lengths != 0 && size <= rest.size(); ++size)
        if (((lengths >> size) & 1U) != 0 && luhn(rest.substr(0, size)))
          hits_.push_back({at, at + size, false});
    }
  }

  std::string_view text_;
  std::size_t to_;
  const FinderRules& rules_;
  std::vector<Hit>& hits_;
};

}  // namespace

std::size_t separator_at(std::string_view text, std::size_t at) noexcept {
  if (at >= text.size()) return 0;
  const char c = text[at];
  if (c == ' ' || c == '-' || c == '.' || c == '/' || c == '_' || c == '+') return 1;
  const auto rest = text.substr(at);
  if (rest.starts_with("\xC2\xA0")) return 2;  // no-break space
  if (rest.size() < 3) return 0;
  const auto third = static_cast<unsigned char>(rest[2]);
  if (rest.starts_with("\xE2\x80"))  // blanks U+2000 to U+200B, dashes U+2010 to U+2015, narrow blank U+202F
    return (third >= 0x80 && third <= 0x8B) || (third >= 0x90 && third <= 0x95) || third == 0xAF ? 3 : 0;
  if (rest.starts_with("\xE2\x88\x92") || rest.starts_with("\xE3\x80\x80")) return 3;  // minus, wide blank
  return 0;
}

void find_numbers(std::string_view text, std::size_t from, std::size_t to, const FinderRules& rules,
                  std::vector<Hit>& hits) {
  Finder(text, to, rules, hits).run(from);
}

}  // namespace fluxrig::sanitize
