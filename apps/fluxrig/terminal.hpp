// Where output goes: whether it may be coloured, how wide it is; and making outside text harmless before a
// terminal sees it. Any thread.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace fluxrig::client {

enum class Colour : std::uint8_t { kPlain, kBold, kDim, kRed, kGreen, kYellow, kCyan };

struct Terminal {
  static constexpr std::size_t kUsualWidth = 100;
  bool colours = false;
  std::size_t width = kUsualWidth;  // columns
};

// Colours only on a terminal, with TERM other than "dumb" and without NO_COLOR. Without a terminal the width
// is $COLUMNS, or the usual one.
[[nodiscard]] Terminal terminal_of(std::FILE* stream);

[[nodiscard]] std::string paint(const Terminal& terminal, Colour colour, std::string_view text);

// Control characters (C0, DEL, C1), characters that turn the direction of text, and bytes that are not UTF-8
// are written as \xNN or \u{NNNN}: nothing from outside can move the cursor or change the colours.
[[nodiscard]] std::string printable(std::string_view text);

// Columns that printable text takes: one for each character.
[[nodiscard]] std::size_t columns_of(std::string_view text) noexcept;

// Cut to `width` columns, the last of which is then an ellipsis.
[[nodiscard]] std::string cut_to(std::string_view text, std::size_t width);
// Filled up with spaces on the right.
[[nodiscard]] std::string padded(std::string text, std::size_t width);

}  // namespace fluxrig::client
