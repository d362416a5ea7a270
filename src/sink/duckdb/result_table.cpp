#include "sink/duckdb/result_table.hpp"

#include <fmt/format.h>

#include "sink/duckdb/type_text.hpp"

namespace fluxrig::sink {
namespace {

struct ChunkOwner {
  duckdb_data_chunk chunk;
  ~ChunkOwner() { duckdb_destroy_data_chunk(&chunk); }
};

Attempt<std::vector<TypeShape>> read_columns(ResultStream& result, QueryTable& table) {
  std::vector<TypeShape> shapes;
  for (idx_t i = 0; i < result.columns(); ++i) {
    auto* type = duckdb_column_logical_type(&result.raw(), i);
    auto shape = shape_of(type);
    duckdb_destroy_logical_type(&type);
    const std::string name = duckdb_column_name(&result.raw(), i);
    if (!shape)
      return database_error(
          DUCKDB_ERROR_NOT_IMPLEMENTED,
          fmt::format("column {} has a type without a text form: write CAST(... AS VARCHAR) around it", name)
              .c_str());
    table.columns.push_back({name, shape->text, shape->numeric()});
    shapes.push_back(std::move(*shape));
  }
  return shapes;
}

// One row; its size in bytes.
std::uint64_t read_row(duckdb_data_chunk chunk, const std::vector<TypeShape>& shapes, idx_t row,
                       QueryTable& table) {
  constexpr std::uint64_t kCellOverhead = sizeof(std::optional<std::string>);
  std::uint64_t bytes = 0;
  auto& cells = table.rows.emplace_back(shapes.size());
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    std::string text;
    bytes += kCellOverhead;
    if (!append_text(duckdb_data_chunk_get_vector(chunk, i), shapes[i], row, text)) continue;
    bytes += text.size();
    cells[i] = std::move(text);
  }
  return bytes;
}

}  // namespace

Attempt<QueryTable> read_table(ResultStream& result, const QueryLimits& limits) {
  QueryTable table;
  auto shapes = read_columns(result, table);
  if (!shapes) return tl::unexpected(std::move(shapes.error()));
  std::uint64_t bytes = 0;
  for (;;) {
    auto next = result.next();
    if (!next) return tl::unexpected(std::move(next.error()));
    if (*next == nullptr) return table;
    const ChunkOwner owner{*next};
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(owner.chunk); ++row) {
      if (table.rows.size() >= limits.rows || bytes >= limits.bytes) {
        table.truncated = true;
        return table;
      }
      bytes += read_row(owner.chunk, *shapes, row, table);
    }
  }
}

Attempt<QueryTable> read_all(Connection& connection, const std::string& sql) {
  auto result = connection.query(sql);
  if (!result) return tl::unexpected(std::move(result.error()));
  return read_table(*result, {.rows = UINT64_MAX, .bytes = UINT64_MAX});
}

}  // namespace fluxrig::sink
