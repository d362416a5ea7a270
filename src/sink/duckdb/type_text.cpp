#include "sink/duckdb/type_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/diagnostics.hpp"
#include "base/ids.hpp"

namespace fluxrig::sink {
namespace {

__extension__ using Int128 = __int128;
__extension__ using Uint128 = unsigned __int128;

template <typename T>
T at(duckdb_vector vector, idx_t row) {
  return static_cast<const T*>(duckdb_vector_get_data(vector))[row];
}

template <typename... Arguments>
void print(std::string& out, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Arguments>(arguments)...);
}

std::string digits_of(Uint128 value) {
  std::string digits;
  do {
    digits += static_cast<char>('0' + static_cast<int>(value % 10));
    value /= 10;
  } while (value != 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

std::string integer_text(Int128 value, std::uint8_t scale) {
  auto digits = digits_of(value < 0 ? Uint128{0} - static_cast<Uint128>(value) : static_cast<Uint128>(value));
  if (scale > 0) {
    if (digits.size() <= scale) digits = std::string(scale + 1U - digits.size(), '0') + digits;
    digits.insert(digits.end() - scale, '.');
  }
  return value < 0 ? fmt::format("-{}", digits) : digits;
}

Int128 wide(duckdb_hugeint value) {
  return static_cast<Int128>((static_cast<Uint128>(static_cast<std::uint64_t>(value.upper)) << 64) |
                             value.lower);
}

Int128 stored_integer(duckdb_vector vector, duckdb_type stored, idx_t row) {
  switch (stored) {
    case DUCKDB_TYPE_SMALLINT:
      return at<std::int16_t>(vector, row);
    case DUCKDB_TYPE_INTEGER:
      return at<std::int32_t>(vector, row);
    case DUCKDB_TYPE_BIGINT:
      return at<std::int64_t>(vector, row);
    case DUCKDB_TYPE_UTINYINT:
      return at<std::uint8_t>(vector, row);
    case DUCKDB_TYPE_USMALLINT:
      return at<std::uint16_t>(vector, row);
    case DUCKDB_TYPE_UINTEGER:
      return at<std::uint32_t>(vector, row);
    default:
      return wide(at<duckdb_hugeint>(vector, row));
  }
}

void append_micros(std::string& out, std::int64_t micros) {
  const duckdb_timestamp time{micros};
  if (!duckdb_is_finite_timestamp(time)) {
    out += micros > 0 ? "infinity" : "-infinity";
    return;
  }
  const auto parts = duckdb_from_timestamp(time);
  print(out, "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.date.year, parts.date.month, parts.date.day,
        parts.time.hour, parts.time.min, parts.time.sec, parts.time.micros);
}

void append_scaled(std::string& out, std::int64_t value, std::int64_t scale) {
  std::int64_t micros = 0;
  const bool finite = value != INT64_MAX && value != -INT64_MAX;
  if (!finite || __builtin_mul_overflow(value, scale, &micros)) micros = value > 0 ? INT64_MAX : -INT64_MAX;
  append_micros(out, micros);
}

void append_nanos(std::string& out, std::int64_t nanos) {
  if (nanos == INT64_MAX || nanos == -INT64_MAX)
    out += nanos > 0 ? "infinity" : "-infinity";
  else
    out += to_rfc3339(UnixNanos{nanos});
}

void append_date(std::string& out, duckdb_date date) {
  if (!duckdb_is_finite_date(date)) {
    out += date.days > 0 ? "infinity" : "-infinity";
    return;
  }
  const auto parts = duckdb_from_date(date);
  print(out, "{:04}-{:02}-{:02}", parts.year, parts.month, parts.day);
}

void append_time_of_day(std::string& out, std::int64_t micros) {
  const auto seconds = micros / 1'000'000;
  print(out, "{:02}:{:02}:{:02}.{:06}", seconds / 3600, seconds / 60 % 60, seconds % 60, micros % 1'000'000);
}

void append_interval(std::string& out, duckdb_interval interval) {
  print(out, "{} months {} days {}", interval.months, interval.days, interval.micros < 0 ? "-" : "");
  append_time_of_day(out, interval.micros < 0 ? -std::max(interval.micros, -INT64_MAX) : interval.micros);
}

void append_uuid(std::string& out, duckdb_hugeint value) {
  std::array<std::uint8_t, 16> bytes;
  store_be64(bytes.data(), static_cast<std::uint64_t>(value.upper) ^ (1ULL << 63));
  store_be64(bytes.data() + 8, value.lower);
  out += to_uuid(bytes);
}

std::string_view string_at(duckdb_vector vector, idx_t row) {
  auto* text = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector)) + row;
  return {duckdb_string_t_data(text), duckdb_string_t_length(*text)};
}

void append_time(std::string& out, duckdb_vector vector, duckdb_type id, idx_t row) {
  const auto value = at<std::int64_t>(vector, row);
  switch (id) {
    case DUCKDB_TYPE_TIMESTAMP_S:
      return append_scaled(out, value, 1'000'000);
    case DUCKDB_TYPE_TIMESTAMP_MS:
      return append_scaled(out, value, 1'000);
    case DUCKDB_TYPE_TIMESTAMP_NS:
      return append_nanos(out, value);
    case DUCKDB_TYPE_TIME:
      return append_time_of_day(out, value);
    default:
      return append_micros(out, value);
  }
}

void append_json(duckdb_vector vector, const TypeShape& shape, idx_t row, std::string& out) {
  const auto begin = out.size();
  if (!append_text(vector, shape, row, out)) {
    out += "null";
    return;
  }
  const bool nested = !shape.children.empty();
  const bool finite =
      shape.id != DUCKDB_TYPE_DOUBLE && shape.id != DUCKDB_TYPE_FLOAT
          ? true
          : std::isfinite(shape.id == DUCKDB_TYPE_DOUBLE ? at<double>(vector, row)
                                                         : static_cast<double>(at<float>(vector, row)));
  if (nested || shape.id == DUCKDB_TYPE_BOOLEAN || (shape.numeric() && finite)) return;
  const auto escaped = escape_json(std::string_view(out).substr(begin));
  out.resize(begin);
  out += '"';
  out += escaped;
  out += '"';
}

void append_elements(duckdb_vector child, const TypeShape& shape, idx_t offset, idx_t count,
                     std::string& out) {
  out += '[';
  for (idx_t i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    append_json(child, shape.children[0], offset + i, out);
  }
  out += ']';
}

void append_map(duckdb_vector vector, const TypeShape& shape, idx_t row, std::string& out) {
  const auto entry = at<duckdb_list_entry>(vector, row);
  auto* entries = duckdb_list_vector_get_child(vector);
  auto* keys = duckdb_struct_vector_get_child(entries, 0);
  auto* values = duckdb_struct_vector_get_child(entries, 1);
  out += '{';
  for (idx_t i = 0; i < entry.length; ++i) {
    std::string key;
    append_text(keys, shape.children[0], entry.offset + i, key);
    print(out, "{}\"{}\":", i == 0 ? "" : ",", escape_json(key));
    append_json(values, shape.children[1], entry.offset + i, out);
  }
  out += '}';
}

void append_struct(duckdb_vector vector, const TypeShape& shape, idx_t row, std::string& out) {
  out += '{';
  for (std::size_t i = 0; i < shape.children.size(); ++i) {
    print(out, "{}\"{}\":", i == 0 ? "" : ",", escape_json(shape.names[i]));
    append_json(duckdb_struct_vector_get_child(vector, i), shape.children[i], row, out);
  }
  out += '}';
}

void append_nested(duckdb_vector vector, const TypeShape& shape, idx_t row, std::string& out) {
  switch (shape.id) {
    case DUCKDB_TYPE_LIST: {
      const auto entry = at<duckdb_list_entry>(vector, row);
      return append_elements(duckdb_list_vector_get_child(vector), shape, entry.offset, entry.length, out);
    }
    case DUCKDB_TYPE_ARRAY:
      return append_elements(duckdb_array_vector_get_child(vector), shape, row * shape.array_size,
                             shape.array_size, out);
    case DUCKDB_TYPE_MAP:
      return append_map(vector, shape, row, out);
    default:
      return append_struct(vector, shape, row, out);
  }
}

void append_number(duckdb_vector vector, duckdb_type id, idx_t row, std::string& out) {
  switch (id) {
    case DUCKDB_TYPE_TINYINT:
      return print(out, "{}", static_cast<int>(at<std::int8_t>(vector, row)));
    case DUCKDB_TYPE_FLOAT:
      return print(out, "{}", at<float>(vector, row));
    case DUCKDB_TYPE_DOUBLE:
      return print(out, "{}", at<double>(vector, row));
    case DUCKDB_TYPE_UBIGINT:
      return print(out, "{}", at<std::uint64_t>(vector, row));
    case DUCKDB_TYPE_UHUGEINT: {
      const auto value = at<duckdb_uhugeint>(vector, row);
      out += digits_of((static_cast<Uint128>(value.upper) << 64) | value.lower);
      return;
    }
    default:
      out += integer_text(stored_integer(vector, id, row), 0);
  }
}

}  // namespace

bool append_text(duckdb_vector vector, const TypeShape& shape, idx_t row, std::string& out) {
  auto* validity = duckdb_vector_get_validity(vector);
  if (shape.id == DUCKDB_TYPE_SQLNULL ||
      (validity != nullptr && !duckdb_validity_row_is_valid(validity, row)))
    return false;
  switch (shape.id) {
    case DUCKDB_TYPE_VARCHAR:
      out += string_at(vector, row);
      break;
    case DUCKDB_TYPE_BLOB:
      out += to_hex(as_bytes(string_at(vector, row)));
      break;
    case DUCKDB_TYPE_BOOLEAN:
      out += at<bool>(vector, row) ? "true" : "false";
      break;
    case DUCKDB_TYPE_UUID:
      append_uuid(out, at<duckdb_hugeint>(vector, row));
      break;
    case DUCKDB_TYPE_DECIMAL:
      out += integer_text(stored_integer(vector, shape.stored, row), shape.scale);
      break;
    case DUCKDB_TYPE_ENUM:
      out += shape.names[static_cast<std::size_t>(stored_integer(vector, shape.stored, row))];
      break;
    case DUCKDB_TYPE_DATE:
      append_date(out, at<duckdb_date>(vector, row));
      break;
    case DUCKDB_TYPE_INTERVAL:
      append_interval(out, at<duckdb_interval>(vector, row));
      break;
    case DUCKDB_TYPE_TIME:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      append_time(out, vector, shape.id, row);
      break;
    default:
      shape.children.empty() ? append_number(vector, shape.id, row, out)
                             : append_nested(vector, shape, row, out);
  }
  return true;
}

}  // namespace fluxrig::sink
