#include "sink/duckdb/archive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sink/duckdb/durable_file.hpp"
#include "sink/duckdb/id_places.hpp"
#include "sink/duckdb/result_table.hpp"

namespace fluxrig::sink {
namespace {

// Rows come in the order of their times, and a lookup of one id reads whole row groups: those of its seconds.
// A quarter of DuckDB's own size halves the time of a lookup, and the file is as large.
constexpr std::uint64_t kRowGroupRows = 30'720;

tl::unexpected<DatabaseError> injected() { return database_error(DUCKDB_ERROR_IO, "injected by the test"); }

Attempt<void> from_result(const Result<void>& result, const std::filesystem::path& path) {
  if (result) return {};
  return database_error(DUCKDB_ERROR_IO,
                        fmt::format("'{}': {}", path.string(), to_string(result.error())).c_str());
}

std::optional<std::int64_t> integer(const QueryTable& table) {
  if (table.rows.size() != 1 || !table.rows[0][0]) return std::nullopt;
  const auto& text = *table.rows[0][0];
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} ? std::optional(value) : std::nullopt;
}

}  // namespace

std::string Archive::quoted_path(const ParquetPart& part) const {
  return quote((core_.parquet() / part.path).string());
}

// The files stand in the view's text, not behind a pattern: a pattern would see files that do not count
// (yet), and must match at least one. DuckDB prunes such a list by date and hour before it opens a file.
std::string Archive::view_sql(const Signal& signal, const std::vector<ParquetPart>& parts) const {
  std::string files;
  for (const auto& part : parts)
    if (part.signal == signal.name) files += (files.empty() ? "" : ", ") + quoted_path(part);
  return signal_view_sql(signal, files);
}

Attempt<void> Archive::make_view(const Signal& signal, const std::vector<ParquetPart>& parts) {
  const auto sql = view_sql(signal, parts);
  return core_.connection().run(sql + view_mark_sql(signal.name, sql));
}

// `part` comes with signal, hour and rows, and gets id, path and size. Durable when this returns.
Attempt<void> Archive::write_part(const std::string& select, ParquetPart& part) {
  part.id = next_id_;
  part.path = part_path(part.signal, part.hour_micros, part.id, part.rows);
  const auto file = core_.parquet() / part.path;
  auto temporary = file;
  temporary += ".tmp";
  auto made =
      from_result(create_directories_durably(core_.parquet(), file.parent_path()), file.parent_path());
  if (!made) return made;
  std::error_code error;
  auto copied = core_.connection().run(
      fmt::format("COPY ({}) TO {} (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION V2, ROW_GROUP_SIZE {})",
                  select, quote(temporary.string()), kRowGroupRows));
  if (!copied) {
    std::filesystem::remove(temporary, error);
    return copied;
  }
  if (core_.fails_at("part.copied")) return injected();
  // Before anybody may read it, so that what a disk or a hand makes of it later shows.
  const auto hashed = hash_file(temporary, false);
  if (!hashed) return from_result(tl::unexpected(hashed.error()), temporary);
  auto published = from_result(publish_file(temporary, file), file);
  if (!published) return published;
  if (core_.fails_at("part.renamed")) return injected();
  part.bytes = hashed->bytes;
  part.hash = hashed->hash;
  part.checked = core_.clock.now();
  return {};
}

Attempt<void> Archive::list_part(const ParquetPart& part) {
  return core_.connection().run(fmt::format(
      "INSERT INTO parquet_files (id, signal, hour_start, path, row_count, bytes, sha256, checked_at, "
      "placed, "
      "least_second, most_second) VALUES ({}, {}, {}, {}, {}, {}, {}, make_timestamp_ns({}::BIGINT), {}, {}, "
      "{})",
      part.id, quote(part.signal), timestamp_sql(part.hour_micros), quote(part.path), part.rows, part.bytes,
      part.hash ? quote(to_hex(*part.hash)) : "NULL", std::max<std::int64_t>(part.checked.value, 0),
      part.placed, part.seconds.least, part.seconds.most));
}

Attempt<void> Archive::place(const Signal& signal, const std::string& rows, ParquetPart& part) {
  if (signal.time.empty()) return {};
  auto seconds = note_places(core_.connection(), signal, part.hour_micros, rows);
  if (!seconds) return tl::unexpected(std::move(seconds.error()));
  part.seconds = *seconds;
  part.placed = true;
  return {};
}

// Of a store that had no places yet, and of files that a new database took over. Until then they are searched
// for every id.
Attempt<bool> Archive::place_part() {
  const auto waiting = std::find_if(parts_.begin(), parts_.end(), [](const ParquetPart& part) {
    return !part.placed && !part.altered && !signal_named(part.signal).time.empty();
  });
  if (waiting == parts_.end()) return false;
  auto part = *waiting;
  auto transaction = StoreTransaction::begin(core_.connection());
  if (!transaction) return tl::unexpected(std::move(transaction.error()));
  auto done = place(signal_named(part.signal), fmt::format("FROM read_parquet({})", quoted_path(part)), part);
  if (!done && !done.error().invalidates() && done.error().type != DUCKDB_ERROR_OUT_OF_MEMORY) {
    waiting->altered = true;  // cannot be read: the next check says so
    waiting->checked = {};
    return true;
  }
  if (done)
    done = core_.connection().run(fmt::format(
        "UPDATE parquet_files SET placed = true, least_second = {}, most_second = {} WHERE id = {}",
        part.seconds.least, part.seconds.most, part.id));
  if (done) done = transaction->commit();
  if (!done) return tl::unexpected(std::move(done.error()));
  *waiting = std::move(part);
  return true;
}

Attempt<bool> Archive::export_hour(const Signal& signal, UnixNanos now) {
  auto& connection = core_.connection();
  auto oldest =
      read_all(connection, fmt::format("SELECT epoch_us(min(hour_start)) FROM {}", signal.hot_table));
  if (!oldest) return tl::unexpected(std::move(oldest.error()));
  const auto hour = integer(*oldest);
  const auto closed =
      now.value / kNanosPerMicro - (std::int64_t{core_.options.hot_hours} + 1) * kMicrosPerHour;
  if (!hour || *hour > closed) return false;

  auto transaction = StoreTransaction::begin(connection);
  if (!transaction) return tl::unexpected(std::move(transaction.error()));
  // Row ids grow with insertion and are stable within a transaction: the first part_rows rows of the hour are
  // those up to one row id, and copying and deleting mean the same rows.
  const auto of_hour = fmt::format("hour_start = {}", timestamp_sql(*hour));
  auto bound =
      read_all(connection, fmt::format("SELECT max(rowid), count(*) FROM (SELECT rowid FROM {} WHERE {} "
                                       "ORDER BY rowid LIMIT {})",
                                       signal.hot_table, of_hour, core_.options.part_rows));
  if (!bound) return tl::unexpected(std::move(bound.error()));
  const auto last_row = integer(*bound);
  if (!last_row) return false;
  ParquetPart part;
  part.signal = signal.name;
  part.hour_micros = *hour;
  part.rows = std::stoull(bound->rows[0][1].value_or("0"));
  const auto chosen = fmt::format("FROM {} WHERE {} AND rowid <= {}", signal.hot_table, of_hour, *last_row);
  auto done = write_part(fmt::format("SELECT {} {}", signal.columns, chosen), part);
  if (done) done = place(signal, chosen, part);
  if (done) done = connection.run("DELETE " + chosen);
  if (done) done = list_part(part);
  auto parts = parts_;
  parts.push_back(part);
  if (done) done = make_view(signal, parts);
  if (done && core_.fails_at("part.listed")) return injected();
  if (done) done = transaction->commit();
  if (!done) return tl::unexpected(std::move(done.error()));
  parts_ = std::move(parts);
  ++next_id_;
  if (core_.fails_at("part.committed")) return injected();
  return true;
}

Attempt<bool> Archive::step(UnixNanos now) {
  auto more = retire_day(now);
  if (!more || *more) return more;
  // Parts are written beside the rows that they replace; that waits until the disk has room.
  if (!core_.room(StoreCore::Need::kUsual)) return unlink_retired();
  for (const auto& signal : signals()) {
    more = export_hour(signal, now);
    if (!more || *more) return more;
  }
  for (const auto& signal : signals()) {
    more = compact_hour(signal);
    if (!more || *more) return more;
  }
  more = place_part();
  if (!more || *more) return more;
  return unlink_retired();
}

}  // namespace fluxrig::sink
