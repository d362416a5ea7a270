#include "base/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace fluxrig {
namespace {

bool continues(std::string_view text, std::size_t at) noexcept {
  return (static_cast<std::uint8_t>(text[at]) & 0xc0) == 0x80;
}

template <typename Word>
Word load(const char* from) noexcept {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// Nearly all text is, and most of it is short: whole words, the last one over the end of the one before.
bool is_ascii(std::string_view text) noexcept {
  constexpr std::uint64_t kHigh = 0x8080808080808080U;
  const char* data = text.data();
  const std::size_t size = text.size();
  if (size >= 8) {
    std::uint64_t seen = load<std::uint64_t>(data + size - 8);
    for (std::size_t at = 0; at + 8 <= size; at += 8) seen |= load<std::uint64_t>(data + at);
    return (seen & kHigh) == 0;
  }
  if (size >= 4)
    return ((load<std::uint32_t>(data) | load<std::uint32_t>(data + size - 4)) &
            static_cast<std::uint32_t>(kHigh)) == 0;
  unsigned seen = 0;
  for (const char c : text) seen |= static_cast<std::uint8_t>(c);
  return seen < 0x80;
}

}  // namespace

std::size_t utf8_character(std::string_view text) noexcept {
  if (text.empty()) return 0;
  const auto lead = static_cast<std::uint8_t>(text[0]);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if (!continues(text, i)) return 0;
  const auto second = static_cast<std::uint8_t>(text[1]);
  if (lead == 0xe0 && second < 0xa0) return 0;  // overlong
  if (lead == 0xed && second > 0x9f) return 0;  // surrogates
  if (lead == 0xf0 && second < 0x90) return 0;  // overlong
  if (lead == 0xf4 && second > 0x8f) return 0;  // above U+10FFFF
  return length;
}

std::size_t utf8_prefix(std::string_view text) noexcept {
  if (is_ascii(text)) return text.size();
  std::size_t at = 0;
  while (at < text.size()) {
    if (text.size() - at >= 8 && is_ascii(text.substr(at, 8))) {
      at += 8;
      continue;
    }
    const std::size_t length = utf8_character(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return at;
}

}  // namespace fluxrig
