#include "sanitize/scan/stripe.hpp"

#include <algorithm>

#include "sanitize/scan/card_number.hpp"

namespace fluxrig::sanitize {
namespace {

constexpr std::size_t kMostTrack = 104;  // characters of the longest track, the third
constexpr std::size_t kMostName = 26;
constexpr std::size_t kLeastAfterEquals = 4;  // the expiry date
constexpr std::size_t kLeastAfterLetter = 7;  // and the service code: 'd' is also a digit of hashes

bool is_month(std::string_view text, std::size_t at) noexcept {
  const int month = (text[at] - '0') * 10 + (text[at + 1] - '0');
  return month >= 1 && month <= 12;
}

std::size_t digits_end(std::string_view text, std::size_t at, std::size_t most) noexcept {
  const std::size_t limit = std::min(text.size(), at + most);
  while (at < limit && is_digit(text[at])) ++at;
  return at;
}

// The end sentinel and the character of the checksum after it.
std::size_t past_sentinel(std::string_view text, std::size_t at) noexcept {
  return at < text.size() && text[at] == '?' ? at + 1 : at;
}

std::optional<Extent> second_track(std::string_view text, Extent number, bool right_number) noexcept {
  const std::size_t after = number.end + 1;
  const bool framed = number.begin > 0 && text[number.begin - 1] == ';';
  std::size_t end = digits_end(text, after, kMostTrack);
  const std::size_t least = text[number.end] == '=' || right_number ? kLeastAfterEquals : kLeastAfterLetter;
  // Without its sentinel it must tell a month, or else every "a=b" of two numbers would be one.
  if (end - after < least || (!framed && !is_month(text, after + 2))) return std::nullopt;
  // Damaged or padded: hexadecimal filler and a second separator belong to it.
  if (end < text.size() && (text[end] == '=' || text[end] == 'F' || text[end] == 'f')) ++end;
  end = digits_end(text, end, kMostTrack);
  return Extent{framed ? number.begin - 1 : number.begin, past_sentinel(text, end)};
}

std::optional<Extent> first_track(std::string_view text, Extent number) noexcept {
  const std::size_t name = number.end + 1;
  const std::size_t name_limit = std::min(text.size(), name + kMostName + 1);
  std::size_t caret = name;
  while (caret < name_limit && text[caret] != '^' && text[caret] >= ' ' && text[caret] != '"') ++caret;
  std::size_t end = caret;
  if (caret < name_limit && text[caret] == '^') {
    const std::size_t limit = std::min(text.size(), caret + kMostTrack);
    end = caret + 1;
    while (end < limit && text[end] > ' ' && text[end] != '?' && text[end] != '"') ++end;
    // Discretionary data may hold blanks, but then an end sentinel must follow.
    const auto sentinel = text.substr(0, limit).find('?', end);
    if (sentinel != std::string_view::npos &&
        text.substr(end, sentinel - end).find_first_of("\"\n") == std::string_view::npos)
      end = sentinel;
  }
  std::size_t begin = number.begin;
  if (begin > 0 && (text[begin - 1] | 0x20) == 'b') --begin;
  if (begin > 0 && text[begin - 1] == '%') --begin;
  return Extent{begin, past_sentinel(text, end)};
}

}  // namespace

std::optional<Extent> find_stripe(std::string_view text, Extent number, bool right_number) noexcept {
  if (number.end >= text.size()) return std::nullopt;
  switch (text[number.end]) {
    case '^':
      return first_track(text, number);
    case '=':
    case 'D':
    case 'd':
      return second_track(text, number, right_number);
    default:
      return std::nullopt;
  }
}

}  // namespace fluxrig::sanitize
