// Vectors of a result as text that a person reads: UUIDs, RFC 3339 times in UTC, lists, maps and structs as
// JSON. duckdb_value_varchar gives NULL for most of these. One thread; a TypeShape is a value.
#pragma once

#include <duckdb.h>

#include <optional>
#include <string>
#include <vector>

namespace fluxrig::sink {

// A column's type with everything that formatting needs, taken once and not once a row.
struct TypeShape {
  duckdb_type id = DUCKDB_TYPE_INVALID;
  std::uint8_t scale = 0;                    // DECIMAL
  duckdb_type stored = DUCKDB_TYPE_INVALID;  // DECIMAL and ENUM: the integer beneath
  std::uint64_t array_size = 0;
  std::vector<std::string> names;   // fields of a STRUCT, words of an ENUM
  std::vector<TypeShape> children;  // LIST and ARRAY: 1; MAP: key, value; STRUCT: the fields
  std::string text;                 // "MAP(VARCHAR, VARCHAR)"

  [[nodiscard]] bool numeric() const noexcept;
};

// nullopt: a type that has no text form here (BIT, UNION, TIME_TZ, BIGNUM, ...).
[[nodiscard]] std::optional<TypeShape> shape_of(duckdb_logical_type type);

// False when the value is NULL; otherwise `out` is extended by the text.
bool append_text(duckdb_vector vector, const TypeShape& shape, idx_t row, std::string& out);

}  // namespace fluxrig::sink
