// Which characters the standard's format letters allow. Any thread; values only.
#pragma once

#include <array>
#include <cstdint>

#include "gear/iso8583/spec.hpp"

namespace fluxrig::gear::iso8583 {

inline constexpr std::uint8_t kDigit = 1;
inline constexpr std::uint8_t kLetter = 2;
inline constexpr std::uint8_t kSpace = 4;
inline constexpr std::uint8_t kSpecial = 8;     // every other printable ASCII character
inline constexpr std::uint8_t kSeparator = 16;  // of a track: '=' and 'D'

inline constexpr std::array<std::uint8_t, 256> kClassOf = [] {
  std::array<std::uint8_t, 256> classes{};
  for (std::size_t c = 0x20; c < 0x7f; ++c) {
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    const bool digit = c >= '0' && c <= '9';
    classes[c] = digit ? kDigit : letter ? kLetter : c == ' ' ? kSpace : kSpecial;
  }
  classes['='] |= kSeparator;
  classes['D'] |= kSeparator;
  return classes;
}();

// Spaces belong to every text class: they are its padding.
[[nodiscard]] constexpr std::uint8_t allowed_classes(Content content) noexcept {
  switch (content) {
    case Content::kNumeric:
    case Content::kSignedAmount:
      return kDigit;
    case Content::kAlphabetic:
      return kLetter | kSpace;
    case Content::kAlphanumeric:
      return kLetter | kDigit | kSpace;
    case Content::kAlphabeticSpecial:
      return kLetter | kSpecial | kSpace;
    case Content::kNumericSpecial:
      return kDigit | kSpecial | kSpace;
    case Content::kAlphanumericSpecial:
      return kLetter | kDigit | kSpecial | kSpace;
    case Content::kTrack:
      return kDigit | kSeparator;
    case Content::kBinary:
      return 0;
  }
  return 0;
}

}  // namespace fluxrig::gear::iso8583
