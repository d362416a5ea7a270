#include "fluxrig/table.hpp"

#include <algorithm>

namespace fluxrig::client {
namespace {

constexpr std::string_view kGap = "  ";

std::string aligned(const std::string& cell, std::size_t width, Align align) {
  const std::string fill(width - std::min(width, columns_of(cell)), ' ');
  return align == Align::kRight ? fill + cell : cell + fill;
}

void trim_end(std::string& line) { line.erase(line.find_last_not_of(' ') + 1); }

}  // namespace

void Table::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (auto& cell : cells) cell = cut_to(printable(cell), kMostCellColumns);
  rows_.push_back(std::move(cells));
}

std::string Table::render(const Terminal& terminal) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = columns_of(printable(columns_[i].name));
    for (const auto& row : rows_) width = std::max(width, columns_of(row[i]));
    widths.push_back(width);
  }
  const auto line_of = [&](const auto& cell_at) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) line += kGap;
      line += aligned(cell_at(i), widths[i], columns_[i].align);
    }
    trim_end(line);
    return line;
  };
  std::string out =
      paint(terminal, Colour::kBold, line_of([&](std::size_t i) { return printable(columns_[i].name); })) +
      "\n";
  for (const auto& row : rows_) out += line_of([&](std::size_t i) { return row[i]; }) + "\n";
  return out;
}

}  // namespace fluxrig::client
