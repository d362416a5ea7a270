#include "sink/duckdb/table_appender.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "sink/duckdb/utf8_text.hpp"

namespace fluxrig::sink {
namespace {
// DuckDB reads the greatest and least integers as infinities, and years before 1678 have no nanoseconds. No
// rack was running before 1970: an earlier time is a broken clock and becomes the epoch.
constexpr std::int64_t kLatest = INT64_MAX - 1;
}  // namespace

TableAppender::TableAppender(Connection& connection, const char* table) {
  if (duckdb_appender_create(connection.raw(), nullptr, table, &appender_) == DuckDBError) {
    remember_error();
    return;
  }
  for (idx_t i = 0; i < duckdb_appender_column_count(appender_); ++i)
    types_.push_back(duckdb_appender_column_type(appender_, i));
}

TableAppender::~TableAppender() {
  duckdb_destroy_data_chunk(&chunk_);
  for (auto& type : types_) duckdb_destroy_logical_type(&type);
  // Flushes what is left; without finish() the transaction is rolled back anyway.
  duckdb_appender_destroy(&appender_);
}

void TableAppender::remember_error() {
  if (error_) return;
  const char* message = appender_ != nullptr ? duckdb_appender_error(appender_) : nullptr;
  auto type = DUCKDB_ERROR_IO;
  if (appender_ != nullptr) {
    auto* data = duckdb_appender_error_data(appender_);
    type = duckdb_error_data_error_type(data);
    duckdb_destroy_error_data(&data);
  }
  error_ = DatabaseError{type, message != nullptr ? message : "the appender failed"};
}

bool TableAppender::begin_row() {
  if (error_) return false;
  if (chunk_ == nullptr) chunk_ = duckdb_create_data_chunk(types_.data(), types_.size());
  column_ = 0;
  return true;
}

duckdb_vector TableAppender::next_vector() {
  FR_ASSERT(column_ < types_.size());
  return duckdb_data_chunk_get_vector(chunk_, column_++);
}

void TableAppender::null() {
  auto* vector = next_vector();
  duckdb_vector_ensure_validity_writable(vector);
  duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), row_);
}

void TableAppender::put_text(duckdb_vector vector, idx_t row, std::string_view value) {
  const auto valid = valid_utf8(value, scratch_);
  duckdb_vector_assign_string_element_len(vector, row, valid.data(), valid.size());
}

void TableAppender::text(std::string_view value) { put_text(next_vector(), row_, value); }

void TableAppender::blob(ByteView value) {
  duckdb_vector_assign_string_element_len(next_vector(), row_, reinterpret_cast<const char*>(value.data()),
                                          value.size());
}

void TableAppender::uuid(const std::array<std::uint8_t, 16>& bytes) {
  if (std::all_of(bytes.begin(), bytes.end(), [](auto byte) { return byte == 0; })) return null();
  // A UUID is a signed 128-bit integer whose top bit is flipped, so that integers sort as UUIDs do.
  duckdb_hugeint value;
  value.upper = static_cast<std::int64_t>(load_be64(bytes.data()) ^ (1ULL << 63));
  value.lower = load_be64(bytes.data() + 8);
  plain(value);
}

void TableAppender::time(UnixNanos value) { plain(std::clamp<std::int64_t>(value.value, 0, kLatest)); }

idx_t TableAppender::grow_list(duckdb_vector list, std::size_t count) {
  const auto offset = duckdb_list_vector_get_size(list);
  static_cast<duckdb_list_entry*>(duckdb_vector_get_data(list))[row_] = {offset, count};
  const bool grown = duckdb_list_vector_reserve(list, offset + count) == DuckDBSuccess &&
                     duckdb_list_vector_set_size(list, offset + count) == DuckDBSuccess;
  FR_ASSERT(grown);  // fails only for what is not a list
  return offset;
}

void TableAppender::text_map(std::span<const std::pair<std::string_view, std::string_view>> entries) {
  auto* list = next_vector();
  const auto offset = grow_list(list, entries.size());
  auto* entry = duckdb_list_vector_get_child(list);
  auto* keys = duckdb_struct_vector_get_child(entry, 0);
  auto* values = duckdb_struct_vector_get_child(entry, 1);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    put_text(keys, offset + i, entries[i].first);
    put_text(values, offset + i, entries[i].second);
  }
}

void TableAppender::text_list(std::span<const std::string> values) {
  auto* list = next_vector();
  const auto offset = grow_list(list, values.size());
  auto* child = duckdb_list_vector_get_child(list);
  for (std::size_t i = 0; i < values.size(); ++i) put_text(child, offset + i, values[i]);
}

void TableAppender::uint64_list(std::span<const std::uint64_t> values) {
  auto* list = next_vector();
  const auto offset = grow_list(list, values.size());
  auto* data = static_cast<std::uint64_t*>(duckdb_vector_get_data(duckdb_list_vector_get_child(list)));
  std::copy(values.begin(), values.end(), data + offset);
}

void TableAppender::end_row() {
  FR_ASSERT(column_ == types_.size());
  ++row_;
  ++rows_;
  if (row_ == duckdb_vector_size()) flush_chunk();
}

void TableAppender::flush_chunk() {
  duckdb_data_chunk_set_size(chunk_, row_);
  if (!error_ && duckdb_append_data_chunk(appender_, chunk_) == DuckDBError) remember_error();
  duckdb_destroy_data_chunk(&chunk_);
  row_ = 0;
}

Attempt<std::uint64_t> TableAppender::finish() {
  if (chunk_ != nullptr && row_ > 0) flush_chunk();
  if (!error_ && duckdb_appender_close(appender_) == DuckDBError) remember_error();
  if (error_) return tl::unexpected(*error_);
  return rows_;
}

}  // namespace fluxrig::sink
