// How a complaint about a document is shown: place, sentence, source line and a mark under the culprit.
#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.hpp"
#include "base/yaml.hpp"

namespace fluxrig::yaml {
namespace {

constexpr std::size_t kMaxColumns = 110;
constexpr std::size_t kColumnsBeforeMark = 60;  // of a line that is cut
constexpr std::string_view kCut = "...";

// One character as shown. What a terminal would obey, and bytes that are not UTF-8, become \xNN; a tab one
// space.
struct Glyph {
  std::string text;
  std::size_t bytes;
  std::size_t columns;
};

Glyph glyph_at(std::string_view text) {
  const std::size_t length = utf8_character(text);
  const auto c = static_cast<unsigned char>(text[0]);
  if (c == '\t') return {" ", 1, 1};
  // U+0080 to U+009F are control characters too.
  const bool is_c1 = length == 2 && c == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
  if (length == 0 || c < 0x20 || c == 0x7f) return {fmt::format("\\x{:02x}", static_cast<unsigned>(c)), 1, 4};
  if (is_c1)
    return {fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(text[1]))), 2, 4};
  return {std::string(text.substr(0, length)), length, 1};
}

std::string printable(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const Glyph glyph = glyph_at(text);
    shown += glyph.text;
    text.remove_prefix(glyph.bytes);
  }
  return shown;
}

// The line without its end; nullopt-like empty view when the document has fewer lines.
bool find_line(std::string_view text, int number, std::string_view& line) {
  for (int current = 1; current < number; ++current) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return false;
    text.remove_prefix(end + 1);
  }
  line = text.substr(0, text.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return true;
}

// Where the shown part begins: the start of the line, or kColumnsBeforeMark characters before the mark.
std::size_t first_shown(std::string_view line, std::size_t mark) {
  if (mark <= kMaxColumns - 30) return 0;
  std::size_t at = mark;
  for (std::size_t columns = 0; at > 0 && columns < kColumnsBeforeMark; ++columns) {
    --at;
    while (at > 0 && (static_cast<unsigned char>(line[at]) & 0xc0) == 0x80) --at;
  }
  return at;
}

struct Excerpt {
  std::string shown;
  std::size_t mark_column = 0;
  std::size_t mark_end = 0;
};

Excerpt cut(std::string_view line, std::size_t mark, std::size_t width) {
  Excerpt excerpt;
  std::size_t at = first_shown(line, mark);
  std::size_t columns = 0;
  if (at > 0) {
    excerpt.shown = kCut;
    columns = kCut.size();
  }
  bool is_marked = false;
  while (at < line.size()) {
    const Glyph glyph = glyph_at(line.substr(at));
    if (columns + glyph.columns > kMaxColumns - (line.size() - at > glyph.bytes ? kCut.size() : 0)) {
      excerpt.shown += kCut;
      break;
    }
    if (!is_marked && at + glyph.bytes > mark) {
      is_marked = true;
      excerpt.mark_column = columns;
    }
    excerpt.shown += glyph.text;
    columns += glyph.columns;
    if (at < mark + width) excerpt.mark_end = columns;
    at += glyph.bytes;
  }
  if (!is_marked) excerpt.mark_column = columns;  // just behind the line: something is missing there
  excerpt.mark_end = std::max(excerpt.mark_end, excerpt.mark_column + 1);
  return excerpt;
}

}  // namespace

std::string render(const Complaint& complaint, std::string_view path, std::string_view text, TextGate gate) {
  const Mark& mark = complaint.mark;
  const std::string file = gate(path);
  const std::string message = printable(gate(complaint.message));
  const std::string hint = printable(gate(complaint.hint));
  std::string_view line;
  if (mark.line <= 0 || !find_line(text, mark.line, line)) {
    std::string out = mark.line <= 0 ? fmt::format("{}: {}\n", file, message)
                                     : fmt::format("{}:{}:{}: {}\n", file, mark.line, mark.column, message);
    if (!hint.empty()) out += fmt::format("    {}\n", hint);
    return out;
  }
  const auto column = static_cast<std::size_t>(std::max(mark.column, 1)) - 1;
  // In half a number nothing would be found.
  const std::string searched = gate(line);
  const Excerpt excerpt =
      cut(searched, std::min(column, line.size()), static_cast<std::size_t>(std::max(complaint.width, 1)));
  const std::string underline(excerpt.mark_end - excerpt.mark_column - 1, '~');
  return fmt::format("{}:{}:{}: {}\n    {}\n    {:{}}^{}{}{}\n", file, mark.line, mark.column, message,
                     excerpt.shown, "", excerpt.mark_column, underline, hint.empty() ? "" : " ", hint);
}

}  // namespace fluxrig::yaml
