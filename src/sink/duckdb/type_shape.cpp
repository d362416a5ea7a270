#include <fmt/format.h>

#include <string_view>

#include "sink/duckdb/type_text.hpp"

namespace fluxrig::sink {
namespace {

const char* plain_name(duckdb_type id) noexcept {
  switch (id) {
    case DUCKDB_TYPE_BOOLEAN:
      return "BOOLEAN";
    case DUCKDB_TYPE_TINYINT:
      return "TINYINT";
    case DUCKDB_TYPE_SMALLINT:
      return "SMALLINT";
    case DUCKDB_TYPE_INTEGER:
      return "INTEGER";
    case DUCKDB_TYPE_BIGINT:
      return "BIGINT";
    case DUCKDB_TYPE_UTINYINT:
      return "UTINYINT";
    case DUCKDB_TYPE_USMALLINT:
      return "USMALLINT";
    case DUCKDB_TYPE_UINTEGER:
      return "UINTEGER";
    case DUCKDB_TYPE_UBIGINT:
      return "UBIGINT";
    case DUCKDB_TYPE_FLOAT:
      return "FLOAT";
    case DUCKDB_TYPE_DOUBLE:
      return "DOUBLE";
    case DUCKDB_TYPE_TIMESTAMP:
      return "TIMESTAMP";
    case DUCKDB_TYPE_DATE:
      return "DATE";
    case DUCKDB_TYPE_TIME:
      return "TIME";
    case DUCKDB_TYPE_INTERVAL:
      return "INTERVAL";
    case DUCKDB_TYPE_HUGEINT:
      return "HUGEINT";
    case DUCKDB_TYPE_UHUGEINT:
      return "UHUGEINT";
    case DUCKDB_TYPE_VARCHAR:
      return "VARCHAR";
    case DUCKDB_TYPE_BLOB:
      return "BLOB";
    case DUCKDB_TYPE_TIMESTAMP_S:
      return "TIMESTAMP_S";
    case DUCKDB_TYPE_TIMESTAMP_MS:
      return "TIMESTAMP_MS";
    case DUCKDB_TYPE_TIMESTAMP_NS:
      return "TIMESTAMP_NS";
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return "TIMESTAMP WITH TIME ZONE";
    case DUCKDB_TYPE_UUID:
      return "UUID";
    case DUCKDB_TYPE_SQLNULL:
      return "NULL";
    default:
      return nullptr;
  }
}

bool add_child(TypeShape& shape, duckdb_logical_type child) {
  auto inner = shape_of(child);
  duckdb_destroy_logical_type(&child);
  if (!inner) return false;
  shape.children.push_back(std::move(*inner));
  return true;
}

bool fill_struct(TypeShape& shape, duckdb_logical_type type) {
  shape.text = "STRUCT(";
  for (idx_t i = 0; i < duckdb_struct_type_child_count(type); ++i) {
    char* name = duckdb_struct_type_child_name(type, i);
    shape.names.emplace_back(name);
    duckdb_free(name);
    if (!add_child(shape, duckdb_struct_type_child_type(type, i))) return false;
    shape.text += fmt::format("{}{} {}", i == 0 ? "" : ", ", shape.names.back(), shape.children.back().text);
  }
  shape.text += ')';
  return true;
}

void fill_enum(TypeShape& shape, duckdb_logical_type type) {
  shape.text = "ENUM";
  shape.stored = duckdb_enum_internal_type(type);
  for (std::uint32_t i = 0; i < duckdb_enum_dictionary_size(type); ++i) {
    char* word = duckdb_enum_dictionary_value(type, i);
    shape.names.emplace_back(word);
    duckdb_free(word);
  }
}

bool fill_nested(TypeShape& shape, duckdb_logical_type type) {
  switch (shape.id) {
    case DUCKDB_TYPE_DECIMAL:
      shape.scale = duckdb_decimal_scale(type);
      shape.stored = duckdb_decimal_internal_type(type);
      shape.text = fmt::format("DECIMAL({},{})", duckdb_decimal_width(type), shape.scale);
      return true;
    case DUCKDB_TYPE_ENUM:
      fill_enum(shape, type);
      return true;
    case DUCKDB_TYPE_LIST:
      if (!add_child(shape, duckdb_list_type_child_type(type))) return false;
      shape.text = shape.children[0].text + "[]";
      return true;
    case DUCKDB_TYPE_ARRAY:
      if (!add_child(shape, duckdb_array_type_child_type(type))) return false;
      shape.array_size = duckdb_array_type_array_size(type);
      shape.text = fmt::format("{}[{}]", shape.children[0].text, shape.array_size);
      return true;
    case DUCKDB_TYPE_MAP:
      if (!add_child(shape, duckdb_map_type_key_type(type))) return false;
      if (!add_child(shape, duckdb_map_type_value_type(type))) return false;
      shape.text = fmt::format("MAP({}, {})", shape.children[0].text, shape.children[1].text);
      return true;
    case DUCKDB_TYPE_STRUCT:
      return fill_struct(shape, type);
    default:
      return false;
  }
}

}  // namespace

bool TypeShape::numeric() const noexcept {
  switch (id) {
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DOUBLE:
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT:
    case DUCKDB_TYPE_DECIMAL:
      return true;
    default:
      return false;
  }
}

std::optional<TypeShape> shape_of(duckdb_logical_type type) {
  TypeShape shape;
  shape.id = duckdb_get_type_id(type);
  if (const char* name = plain_name(shape.id)) {
    shape.text = name;
    // JSON is text with another name: a reader may take it over as it is.
    if (char* alias = duckdb_logical_type_get_alias(type)) {
      if (std::string_view(alias) == "JSON") shape.text = alias;
      duckdb_free(alias);
    }
    return shape;
  }
  if (!fill_nested(shape, type)) return std::nullopt;
  return shape;
}

}  // namespace fluxrig::sink
