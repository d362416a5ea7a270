// Masking of digits: the parts of the sanitiser that need no key.
#include <algorithm>

#include "sanitize/build.hpp"
#include "sanitize/sanitizer.hpp"
#include "sanitize/scan/card_number.hpp"
#include "sanitize/scan/free_text.hpp"

namespace fluxrig::sanitize {
namespace {

constexpr std::size_t kLeastShown = 13;
constexpr std::size_t kShownFirst = 6;
constexpr std::size_t kShownLast = 4;

}  // namespace

std::string mask(std::string_view value) {
  if (!kSanitises) return std::string(value);
  // What was masked before still counts, so that a masked number keeps its ends.
  const auto is_place = [](char c) { return is_digit(c) || c == '*'; };
  const auto total = static_cast<std::size_t>(std::count_if(value.begin(), value.end(), is_place));
  const bool show_ends = total >= kLeastShown;
  std::string out(value);
  std::size_t position = 0;
  for (char& c : out) {
    if (!is_place(c)) continue;
    const bool shown = show_ends && (position < kShownFirst || position + kShownLast >= total);
    if (!shown) c = '*';
    ++position;
  }
  return out;
}

std::string mask_card_numbers(std::string_view text) {
  std::string out(text);
  clean_text(out);
  return out;
}

}  // namespace fluxrig::sanitize
