// Rows of one table as data chunks for DuckDB's appender: the row functions of that appender are several
// times slower with maps. Values are set in column order; a failure sticks and shows in finish(). One thread,
// within one transaction of the connection.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "sink/duckdb/database.hpp"

namespace fluxrig::sink {

class TableAppender {
 public:
  TableAppender(Connection& connection, const char* table);
  TableAppender(const TableAppender&) = delete;
  TableAppender& operator=(const TableAppender&) = delete;
  ~TableAppender();

  [[nodiscard]] bool begin_row();  // false: failed before; the row must not be written
  void null();
  void text(std::string_view value);
  void text_or_null(std::string_view value) { value.empty() ? null() : text(value); }
  void blob(ByteView value);
  void uuid(const std::array<std::uint8_t, 16>& bytes);  // zero: NULL
  template <std::size_t N, typename Tag>
  void hex(const IdBytes<N, Tag>& id) {  // zero: NULL
    id.is_zero() ? null() : text(to_hex(id.view()));
  }
  void boolean(bool value) { plain(value); }
  void uint8(std::uint8_t value) { plain(value); }
  void int32(std::int32_t value) { plain(value); }
  void uint32(std::uint32_t value) { plain(value); }
  void int64(std::int64_t value) { plain(value); }
  void uint64(std::uint64_t value) { plain(value); }
  void real(double value) { plain(value); }
  void time(UnixNanos value);                        // TIMESTAMP_NS
  void micros(std::int64_t value) { plain(value); }  // TIMESTAMP
  // Keys must be distinct.
  void text_map(std::span<const std::pair<std::string_view, std::string_view>> entries);
  void text_list(std::span<const std::string> values);
  void uint64_list(std::span<const std::uint64_t> values);
  void end_row();

  // Everything appended is in the transaction, or the first error.
  [[nodiscard]] Attempt<std::uint64_t> finish();

 private:
  template <typename T>
  void plain(T value) {
    static_cast<T*>(duckdb_vector_get_data(next_vector()))[row_] = value;
  }
  [[nodiscard]] duckdb_vector next_vector();
  [[nodiscard]] idx_t grow_list(duckdb_vector list, std::size_t count);
  void put_text(duckdb_vector vector, idx_t row, std::string_view value);
  void flush_chunk();
  void remember_error();

  duckdb_appender appender_ = nullptr;
  std::vector<duckdb_logical_type> types_;
  duckdb_data_chunk chunk_ = nullptr;
  idx_t row_ = 0;
  idx_t column_ = 0;
  std::uint64_t rows_ = 0;
  std::string scratch_;
  std::optional<DatabaseError> error_;
};

}  // namespace fluxrig::sink
