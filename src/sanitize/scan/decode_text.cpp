// Encodings whose letters are themselves ASCII.
#include <algorithm>
#include <array>

#include "sanitize/scan/decoded.hpp"

namespace fluxrig::sanitize {
namespace {

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = static_cast<char>(c | 0x20);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

int hex_pair(std::string_view text, std::size_t at) noexcept {
  if (at + 2 > text.size()) return -1;
  const int high = hex_value(text[at]);
  const int low = hex_value(text[at + 1]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// The prefilter knows encoded digits and the separators below '0' only.
char character(int value) noexcept {
  return value >= 0x20 && value < 0x7F && value != '_' ? static_cast<char>(value) : kNoCharacter;
}

int base64_value(char c) noexcept {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  return c == '/' || c == '_' ? 63 : -1;
}

bool is_base64(char c) noexcept { return base64_value(c) >= 0; }
bool is_break(char c) noexcept { return c == '\r' || c == '\n'; }

std::size_t hex_end(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && hex_value(text[at]) >= 0) ++at;
  return at;
}

}  // namespace

void decode_percent(std::string_view source, Decoded& out) {
  out.clear();
  for (std::size_t i = 0; i < source.size();) {
    int value = source[i] == '%' ? hex_pair(source, i + 1) : -1;
    // Only what a number or a stripe is made of, and the prefilter knows.
    if ((value >> 4) != 2 && (value >> 4) != 3 && (value >> 4) != 5) value = -1;
    const std::size_t size = value < 0 ? 1 : 3;
    out.add(value < 0 ? source[i] : character(value), i, i + size);
    i += size;
  }
}

void decode_escapes(std::string_view source, Decoded& out) {
  out.clear();
  for (std::size_t i = 0; i < source.size();) {
    // Text that was escaped twice has two backslashes, and so on.
    std::size_t mark = i;
    while (mark < source.size() && source[mark] == '\\') ++mark;
    std::size_t size = 0;
    int value = -1;
    if (mark > i && mark < source.size() && (source[mark] | 0x20) == 'x') {
      value = hex_pair(source, mark + 1);
      size = mark + 3 - i;
    } else if (mark > i && mark < source.size() && (source[mark] | 0x20) == 'u') {
      value = hex_pair(source, mark + 1) == 0 ? hex_pair(source, mark + 3) : -1;
      size = mark + 5 - i;
    }
    if (value >= 0) {
      out.add(character(value), i, i + size);
      i += size;
      continue;
    }
    const std::size_t next = std::max(mark, i + 1);
    for (; i < next; ++i) out.add(source[i], i, i + 1);
  }
}

void decode_hex(std::string_view source, unsigned phase, Decoded& out) {
  out.clear();
  for (std::size_t i = 0; i < source.size();) {
    const std::size_t end = hex_end(source, i);
    if (end == i) {
      ++i;
      continue;
    }
    const bool pair = end - i == 2;
    for (std::size_t at = pair ? i : i + phase; at + 2 <= end; at += 2)
      out.add(character(hex_pair(source, at)), at, at + 2);
    // A dump writes its pairs apart.
    const bool apart =
        pair && end < source.size() && source[end] == ' ' && hex_end(source, end + 1) == end + 3;
    if (!apart && end < source.size()) out.add(kNoCharacter, end, end + 1);
    i = end + 1;
  }
}

// Lines are joined only where they are long enough to have been cut by an encoder (RFC 2045: 76, RFC 7468:
// 64).
Run base64_run(std::string_view source, std::size_t at) noexcept {
  constexpr std::size_t kLeastLine = 32;
  if (at >= source.size() || !is_base64(source[at])) return {};
  const auto line_begin = [&](std::size_t i) {
    while (i > 0 && is_base64(source[i - 1])) --i;
    return i;
  };
  const auto line_end = [&](std::size_t i) {
    while (i < source.size() && is_base64(source[i])) ++i;
    return i;
  };
  Run run{line_begin(at), line_end(at)};
  for (std::size_t begin = run.begin; begin > 0;) {
    std::size_t end = begin;
    while (end > 0 && begin - end < 2 && is_break(source[end - 1])) --end;
    const std::size_t previous = line_begin(end);
    if (end == begin || end - previous < kLeastLine) break;
    run.begin = begin = previous;
  }
  for (std::size_t line = line_begin(at); run.end - line >= kLeastLine;) {
    line = run.end;
    while (line < source.size() && line - run.end < 2 && is_break(source[line])) ++line;
    const std::size_t end = line_end(line);
    if (line == run.end || end == line) break;
    run.end = end;
  }
  return run;
}

void decode_base64(std::string_view source, Run run, unsigned phase, Decoded& out) {
  out.clear();
  std::array<std::size_t, 4> letters{};
  std::size_t count = 0;
  unsigned bits = 0;
  for (std::size_t i = run.begin; i < run.end; ++i) {
    if (!is_base64(source[i])) continue;
    if (phase > 0) {
      --phase;
      continue;
    }
    letters[count++] = i;
    bits = (bits << 6) | static_cast<unsigned>(base64_value(source[i]));
    // Each letter after the first of four completes a character.
    if (count >= 2) {
      const unsigned left = 6 - 2 * static_cast<unsigned>(count - 1);
      out.add(character(static_cast<int>((bits >> left) & 0xFF)), letters[count - 2], i + 1);
    }
    if (count == 4) count = bits = 0;
  }
}

}  // namespace fluxrig::sanitize
