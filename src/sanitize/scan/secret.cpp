#include "sanitize/scan/secret.hpp"

#include <algorithm>

#include "sanitize/scan/card_number.hpp"

namespace fluxrig::sanitize {
namespace {

constexpr std::size_t kMostBetween = 8;  // blanks, quotes and colons between a word and its value
constexpr std::size_t kMostSuffix = 12;  // "cvvNumber"
constexpr std::size_t kLeastBlock = 16;  // hexadecimal digits of a PIN block
constexpr std::size_t kMostBlock = 64;

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
bool is_letter(char c) noexcept { return lower(c) >= 'a' && lower(c) <= 'z'; }
bool is_hex(char c) noexcept { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f'); }

bool is_between(char c) noexcept {
  static constexpr std::string_view kBetween = " \t\"':=\\>([,;|#";
  return kBetween.find(c) != std::string_view::npos;
}

bool word_at(std::string_view text, std::size_t at, std::string_view word) noexcept {
  if (at > text.size() || text.size() - at < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i)
    if (lower(text[at + i]) != word[i]) return false;
  return true;
}

// No letter before, or a capital in the middle of a name ("cardPin").
bool begins_word(std::string_view text, std::size_t at) noexcept {
  if (at == 0 || !is_letter(text[at - 1])) return true;
  return text[at] != lower(text[at]) && text[at - 1] == lower(text[at - 1]);
}

std::size_t skip_joint(std::string_view text, std::size_t at) noexcept {
  return at < text.size() && (text[at] == '_' || text[at] == '-' || text[at] == ' ') ? at + 1 : at;
}

// Where the value begins; `at` itself when nothing parts it from the word.
std::size_t value_begin(std::string_view text, std::size_t at) noexcept {
  const std::size_t limit = std::min(text.size(), at + kMostBetween);
  while (at < limit && is_between(text[at])) ++at;
  return at;
}

std::optional<Extent> digits_after(std::string_view text, std::size_t word_end, std::size_t least,
                                   std::size_t most) noexcept {
  const std::size_t begin = value_begin(text, word_end);
  if (begin == word_end) return std::nullopt;
  std::size_t end = begin;
  while (end < text.size() && end - begin <= most && is_digit(text[end])) ++end;
  if (end - begin < least || end - begin > most) return std::nullopt;
  return Extent{begin, end};
}

std::optional<Extent> verification_code(std::string_view text, std::size_t word_end) noexcept {
  const std::size_t limit = std::min(text.size(), word_end + kMostSuffix);
  while (word_end < limit && (is_letter(text[word_end]) || text[word_end] == '_')) ++word_end;
  return digits_after(text, word_end, 3, 4);
}

std::optional<Extent> short_name(std::string_view text, std::size_t at) noexcept {
  if (!word_at(text, at, "cv")) return std::nullopt;
  const char third = at + 2 < text.size() ? lower(text[at + 2]) : ' ';
  const bool known =
      third == 'v' || third == 'c' || ((third == 'n' || third == 'd') && begins_word(text, at));
  if (!known) return std::nullopt;
  const std::size_t end = at + 3;
  return verification_code(text, end < text.size() && text[end] == '2' ? end + 1 : end);
}

std::optional<Extent> long_name(std::string_view text, std::size_t joint) noexcept {
  const std::size_t at = skip_joint(text, joint);
  for (const std::string_view word : {"code", "value", "number"})
    if (word_at(text, at, word)) return verification_code(text, at + word.size());
  return std::nullopt;
}

std::optional<Extent> pin(std::string_view text, std::size_t at) noexcept {
  if (!word_at(text, at, "pin") || !begins_word(text, at)) return std::nullopt;
  std::size_t end = at + 3;
  for (const std::string_view word : {"block", "data", "blk"}) {
    const std::size_t joint = skip_joint(text, end);
    if (word_at(text, joint, word)) {
      end = joint + word.size();
      break;
    }
  }
  const std::size_t begin = value_begin(text, end);
  if (begin == end) return std::nullopt;
  std::size_t stop = begin;
  while (stop < text.size() && stop - begin < kMostBlock && is_hex(text[stop])) ++stop;
  if (stop - begin >= kLeastBlock) return Extent{begin, stop};
  return digits_after(text, end, 4, 12);
}

}  // namespace

std::optional<Extent> find_secret(std::string_view text, std::size_t at) noexcept {
  switch (lower(text[at])) {
    case 'c':
      return short_name(text, at);
    case 'p':
      return pin(text, at);
    case 'e':
      return at > 0 && word_at(text, at - 1, "security") ? long_name(text, at + 7) : std::nullopt;
    case 'r':
      return at > 1 && word_at(text, at - 2, "verification") ? long_name(text, at + 10) : std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace fluxrig::sanitize
