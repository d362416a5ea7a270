// Which three characters in a row make the prefilter suspicious. One definition for its scalar and its AVX2
// form: a bit for each kind of trigger, and for each place the low and the high halves that its character may
// have. That takes in a few more characters than meant, never fewer. Private to the prefilter.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace fluxrig::sanitize::detail {

using Nibbles = std::array<std::uint8_t, 16>;

struct HalfTables {
  Nibbles low{};
  Nibbles high{};
  [[nodiscard]] constexpr std::uint8_t operator()(unsigned char c) const noexcept {
    return static_cast<std::uint8_t>(low[c & 15U] & high[c >> 4U]);
  }
};

struct Trigger {
  std::string_view first;
  std::string_view second;
  std::string_view third;  // empty: any
};

inline constexpr std::array<Trigger, 8> kTriggers = {{
    {"MNO", "DTjz",
     "AEIMQUYcgk"},    // base64: two digits at the start of four letters, then a digit or separator
    {"%", "235", ""},  // %3x digits and '=', %2x separators, %5E
    {"\\", "uxUX", ""},
    {"2", "bcdefBCDEF",
     "23 "},           // a separator with a letter in it, in hex, before a digit, another or a blank
    {"cC", "vV", ""},  // the names of secrets (secret.hpp)
    {"pP", "iI", "nN"},
    {"eE", "cC", "uU"},
    {"rR", "iI", "fF"},
}};

constexpr HalfTables tables_of(std::string_view Trigger::*place) noexcept {
  HalfTables out;
  for (std::size_t i = 0; i < kTriggers.size(); ++i) {
    const auto bit = static_cast<std::uint8_t>(1U << i);
    const std::string_view letters = kTriggers[i].*place;
    for (const char c : letters) {
      out.low[static_cast<unsigned char>(c) & 15U] |= bit;
      out.high[static_cast<unsigned char>(c) >> 4U] |= bit;
    }
    for (std::size_t half = 0; letters.empty() && half < 16; ++half) {
      out.low[half] |= bit;
      out.high[half] |= bit;
    }
  }
  return out;
}

inline constexpr HalfTables kFirst = tables_of(&Trigger::first);
inline constexpr HalfTables kSecond = tables_of(&Trigger::second);
inline constexpr HalfTables kThird = tables_of(&Trigger::third);

// What a character is by itself, in the same form; a bit for each product of halves. Bytes above 127 have
// none.
inline constexpr std::uint8_t kDigitBit = 0x80;
inline constexpr std::uint8_t kSeparatorBit = 0x40;  // blank + - . /
inline constexpr std::uint8_t kUnderscoreBit = 0x20;
inline constexpr std::uint8_t kControlBits = 0x18;  // 0x10 to 0x1F, and below without tab and line breaks

inline constexpr HalfTables kClass = [] {
  HalfTables out;
  const auto product = [&out](std::uint8_t bit, unsigned high, std::string_view lows) {
    out.high[high] |= bit;
    for (const char c : lows) out.low[static_cast<unsigned char>(c) & 15U] |= bit;
  };
  product(kDigitBit, 3, "0123456789");
  product(kSeparatorBit, 2, " +-./");
  product(kUnderscoreBit, 5, "_");
  product(0x10, 1, "\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1A\x1B\x1C\x1D\x1E\x1F");
  product(0x08, 0, std::string_view("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0B\x0C\x0E\x0F", 13));
  return out;
}();

}  // namespace fluxrig::sanitize::detail
