#include "fluxrig/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/utf8.hpp"

namespace fluxrig::client {
namespace {

constexpr std::size_t kLeastWidth = 60;
constexpr std::size_t kMostWidth = 200;

std::size_t width_of(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* columns = std::getenv("COLUMNS");
  const long width = columns == nullptr ? 0 : std::strtol(columns, nullptr, 10);
  return width > 0 ? static_cast<std::size_t>(width) : Terminal::kUsualWidth;
}

const char* code_of(Colour colour) noexcept {
  switch (colour) {
    case Colour::kPlain:
      return "";
    case Colour::kBold:
      return "\x1b[1m";
    case Colour::kDim:
      return "\x1b[2m";
    case Colour::kRed:
      return "\x1b[31m";
    case Colour::kGreen:
      return "\x1b[32m";
    case Colour::kYellow:
      return "\x1b[33m";
    case Colour::kCyan:
      return "\x1b[36m";
  }
  return "";
}

// The code point of a well-formed character of 1 to 4 bytes.
char32_t code_point(std::string_view character) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(character[i]); };
  if (character.size() == 1) return byte(0);
  char32_t point = byte(0) & (0xffU >> (character.size() + 1));
  for (std::size_t i = 1; i < character.size(); ++i) point = (point << 6) | (byte(i) & 0x3fU);
  return point;
}

bool is_harmful(char32_t point) noexcept {
  return point < 0x20 || (point >= 0x7f && point <= 0x9f) || (point >= 0x200b && point <= 0x200f) ||
         (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f) || point == 0xfeff;
}

}  // namespace

Terminal terminal_of(std::FILE* stream) {
  const int fd = ::fileno(stream);
  const char* no_colour = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  Terminal terminal;
  terminal.colours = ::isatty(fd) == 1 && (no_colour == nullptr || *no_colour == '\0') && term != nullptr &&
                     std::string_view(term) != "dumb";
  terminal.width = std::clamp(width_of(fd), kLeastWidth, kMostWidth);
  return terminal;
}

std::string paint(const Terminal& terminal, Colour colour, std::string_view text) {
  if (!terminal.colours || colour == Colour::kPlain) return std::string(text);
  return fmt::format("{}{}\x1b[0m", code_of(colour), text);
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t size = utf8_character(text);
    if (size == 0) {
      out += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(text.front()));
      text.remove_prefix(1);
      continue;
    }
    const char32_t point = code_point(text.substr(0, size));
    if (!is_harmful(point))
      out += text.substr(0, size);
    else if (point < 0x100)
      out += fmt::format("\\x{:02x}", static_cast<std::uint32_t>(point));
    else
      out += fmt::format("\\u{{{:04x}}}", static_cast<std::uint32_t>(point));
    text.remove_prefix(size);
  }
  return out;
}

std::size_t columns_of(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<std::uint8_t>(c) & 0xc0U) != 0x80U; }));
}

std::string cut_to(std::string_view text, std::size_t width) {
  if (columns_of(text) <= width) return std::string(text);
  std::size_t end = 0;
  for (std::size_t column = 0; column + 1 < width; ++column)
    end += std::max<std::size_t>(1, utf8_character(text.substr(end)));
  return std::string(text.substr(0, end)) + (width == 0 ? "" : "…");
}

std::string padded(std::string text, std::size_t width) {
  const std::size_t columns = columns_of(text);
  if (columns < width) text.append(width - columns, ' ');
  return text;
}

}  // namespace fluxrig::client
