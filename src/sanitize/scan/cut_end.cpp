#include "sanitize/scan/cut_end.hpp"

#include <algorithm>
#include <string_view>

#include "sanitize/build.hpp"
#include "sanitize/scan/card_number.hpp"

namespace fluxrig::sanitize {
namespace {

constexpr std::size_t kLeastWord = 12;    // shorter, it holds no 7 digits in any encoding but their own
constexpr std::size_t kLeastDigits = 7;   // six are shown of every number
constexpr std::size_t kBinaryBytes = 48;  // 19 characters of UTF-16, and what is around them

bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_plain(char c) noexcept { return is_blank(c) || (c >= ' ' && c < 127); }
bool is_grouped(char c) noexcept {
  const char low = static_cast<char>(c | 0x20);
  return is_digit(c) || (low >= 'a' && low <= 'f') ||
         std::string_view(" -./_+:%\\x").find(c) != std::string_view::npos;
}

// Where the run begins that reaches to the end of the text.
template <typename Holds>
std::size_t run_begin(std::span<const char> text, Holds holds) noexcept {
  std::size_t begin = text.size();
  while (begin > 0 && holds(text[begin - 1])) --begin;
  return begin;
}

}  // namespace

void hide_cut_end(std::span<char> text) noexcept {
  if (!kSanitises) return;
  std::size_t from = text.size();
  const auto word = run_begin(text, [](char c) { return !is_blank(c); });
  if (text.size() - word >= kLeastWord) from = std::min(from, word);
  auto grouped = run_begin(text, is_grouped);
  while (grouped < text.size() && !is_digit(text[grouped])) ++grouped;
  if (static_cast<std::size_t>(std::count_if(text.begin() + static_cast<std::ptrdiff_t>(grouped), text.end(),
                                             is_digit)) >= kLeastDigits)
    from = std::min(from, grouped);
  const auto last = text.size() - std::min(text.size(), kBinaryBytes);
  if (!std::all_of(text.begin() + static_cast<std::ptrdiff_t>(last), text.end(), is_plain))
    from = std::min(from, last);
  std::fill(text.begin() + static_cast<std::ptrdiff_t>(from), text.end(), '*');
}

}  // namespace fluxrig::sanitize
