// Where ids are: for every hour that is closed, the beginnings of the ids that it has and the seconds of
// their records. A lookup of one id so opens the files of an hour or two instead of all, and of those reads
// the row groups of a few seconds. docs/formats/store.md. One thread, within one transaction.
//
// 32 bits of an id are kept. Others may share them: what a place says is where to look, not that it is there.
// Never the reverse: an id of a part that is noted as placed has a place for each of its hours and seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sink/duckdb/database.hpp"
#include "sink/duckdb/parquet_part.hpp"
#include "sink/duckdb/schema.hpp"

namespace fluxrig::sink {

[[nodiscard]] std::string create_places_sql();

// Notes the ids of the rows that `rows` ("FROM ... WHERE ...") gives, all of the hour that begins at
// `hour_micros`. The same rows may be noted again. Gives the range of their own times.
[[nodiscard]] Attempt<SecondRange> note_places(Connection& connection, const Signal& signal,
                                               std::int64_t hour_micros, const std::string& rows);
// Of hours before that one.
[[nodiscard]] Attempt<void> forget_places(Connection& connection, std::int64_t before_micros);

// The ids between two of 32 hex digits each, as the table that has their places and the range of `id` in it.
// nullopt: they are spread over more than one table.
struct PlacedIds {
  std::string table;
  std::uint32_t least = 0;
  std::uint32_t most = 0;
};
[[nodiscard]] std::optional<PlacedIds> placed_flux_ids(std::string_view least, std::string_view most);
[[nodiscard]] std::optional<PlacedIds> placed_trace_ids(std::string_view least, std::string_view most);

}  // namespace fluxrig::sink
