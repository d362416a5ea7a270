#include "sink/duckdb/id_places.hpp"

#include <fmt/format.h>

#include <charconv>

#include "sink/duckdb/result_table.hpp"

namespace fluxrig::sink {
namespace {

// Trace ids are random, so that a lookup has to look through all places of its table: each has those of one
// first digit. Flux ids begin with their time: 32 bits of it are 65 s, and a table of few rows.
constexpr std::uint32_t kTraceTables = 16;
constexpr std::string_view kFluxTable = "flux_places";
constexpr std::size_t kIdDigits = 32;
constexpr std::size_t kPlaceDigits = 8;
constexpr std::string_view kZeros = "0000000000000000";  // before ids of systems that have 64 bits only

std::string trace_table(std::uint32_t bucket) { return fmt::format("trace_places_{:x}", bucket); }

std::optional<std::uint32_t> place_of(std::string_view digits) {
  std::uint32_t value = 0;
  const auto part = digits.substr(0, kPlaceDigits);
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value, 16);
  return error == std::errc{} && end == part.data() + kPlaceDigits ? std::optional(value) : std::nullopt;
}

std::optional<PlacedIds> between(std::string_view least, std::string_view most) {
  const auto first = place_of(least);
  const auto last = place_of(most);
  if (!first || !last) return std::nullopt;
  return PlacedIds{{}, *first, *last};
}

// What `noting` has and the table has not.
std::string insert_sql(const std::string& table, std::string_view column, std::int64_t hour,
                       std::string_view condition) {
  return fmt::format(
      "INSERT INTO {0} SELECT DISTINCT {1} AS id, {2}, second FROM noting AS n WHERE {3} AND NOT EXISTS "
      "(SELECT 1 FROM {0} AS p WHERE p.hour = {2} AND p.id = n.{1} AND p.second = n.second) ORDER BY id;",
      table, column, hour, condition);
}

}  // namespace

std::string create_places_sql() {
  const auto create = [](const std::string& table) {
    return fmt::format("CREATE TABLE IF NOT EXISTS {} (id UINTEGER, hour UINTEGER, second UINTEGER);", table);
  };
  auto sql = create(std::string(kFluxTable));
  for (std::uint32_t bucket = 0; bucket < kTraceTables; ++bucket) sql += create(trace_table(bucket));
  return sql;
}

Attempt<SecondRange> note_places(Connection& connection, const Signal& signal, std::int64_t hour_micros,
                                 const std::string& rows) {
  const auto hour = hour_micros / kMicrosPerHour;
  auto sql = fmt::format(
      "CREATE OR REPLACE TEMP TABLE noting AS SELECT DISTINCT TRY_CAST('0x' || CASE WHEN trace_id[1:16] = "
      "'{0}' THEN trace_id[17:24] ELSE trace_id[1:8] END AS UINTEGER) AS trace, TRY_CAST('0x' || "
      "CAST(flux_id AS VARCHAR)[1:8] AS UINTEGER) AS flux, CAST(least(greatest(epoch_ns({1}), 0) // "
      "1000000000, {2}) AS UINTEGER) AS second {3};",
      kZeros, signal.time, UINT32_MAX, rows);
  sql += insert_sql(std::string(kFluxTable), "flux", hour, "n.flux IS NOT NULL");
  for (std::uint32_t bucket = 0; bucket < kTraceTables; ++bucket)
    sql += insert_sql(trace_table(bucket), "trace", hour, fmt::format("n.trace >> 28 = {}", bucket));
  auto done = connection.run(sql);
  if (!done) return tl::unexpected(std::move(done.error()));
  auto range = read_all(connection, fmt::format("SELECT coalesce(min(second), 0), coalesce(max(second), {}) "
                                                "FROM noting",
                                                UINT32_MAX));
  if (!range) return tl::unexpected(std::move(range.error()));
  if (done = connection.run("DROP TABLE noting"); !done) return tl::unexpected(std::move(done.error()));
  return SecondRange{static_cast<std::uint32_t>(std::stoul(range->rows[0][0].value_or("0"))),
                     static_cast<std::uint32_t>(std::stoul(range->rows[0][1].value_or("0")))};
}

Attempt<void> forget_places(Connection& connection, std::int64_t before_micros) {
  const auto before = before_micros / kMicrosPerHour;
  auto sql = fmt::format("DELETE FROM {} WHERE hour < {};", kFluxTable, before);
  for (std::uint32_t bucket = 0; bucket < kTraceTables; ++bucket)
    sql += fmt::format("DELETE FROM {} WHERE hour < {};", trace_table(bucket), before);
  return connection.run(sql);
}

std::optional<PlacedIds> placed_flux_ids(std::string_view least, std::string_view most) {
  if (least.size() != kIdDigits || most.size() != kIdDigits) return std::nullopt;
  auto ids = between(least, most);
  if (ids) ids->table = kFluxTable;
  return ids;
}

std::optional<PlacedIds> placed_trace_ids(std::string_view least, std::string_view most) {
  if (least.size() != kIdDigits || most.size() != kIdDigits) return std::nullopt;
  const bool is_short = most.starts_with(kZeros);
  if (least.starts_with(kZeros) != is_short) return std::nullopt;
  const auto digits = is_short ? kZeros.size() : 0;
  auto ids = between(least.substr(digits), most.substr(digits));
  if (!ids || ids->least >> 28 != ids->most >> 28) return std::nullopt;
  ids->table = trace_table(ids->least >> 28);
  return ids;
}

}  // namespace fluxrig::sink
