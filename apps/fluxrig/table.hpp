// Rows in aligned columns for a terminal. Every cell is made printable here. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fluxrig/terminal.hpp"

namespace fluxrig::client {

enum class Align : std::uint8_t { kLeft, kRight };

class Table {
 public:
  static constexpr std::size_t kMostCellColumns = 120;  // longer cells are cut

  struct Column {
    std::string name;
    Align align = Align::kLeft;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // Missing cells are empty; surplus ones are left out.
  void add(std::vector<std::string> cells);
  [[nodiscard]] std::size_t rows() const noexcept { return rows_.size(); }
  // A line of names, then the rows; lines end without trailing spaces.
  [[nodiscard]] std::string render(const Terminal& terminal) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace fluxrig::client
