// Tables, views and their columns: docs/formats/store.md is the reader's form of this. Pure text; any thread.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace fluxrig::sink {

// One stored kind of record: a hot table, and cold Parquet files under signal=<name>.
struct Signal {
  std::string_view name;  // folder and view of hot and cold together
  std::string_view hot_table;
  std::string_view columns;  // as stored in both, without the partition columns
  std::string_view time;     // the column with a record's own time; empty: nobody looks for its ids
};

// In the order of kSignals.
enum class SignalKind : std::size_t { kTransactions, kChildSpans, kMetrics, kLogRecords, kAuditBlocks };
inline constexpr std::size_t kSignalCount = 5;
// Of spans that no rack sent (Sink::store_received), in the column `lane`.
inline constexpr std::string_view kReceivedLane = "received";
[[nodiscard]] std::span<const Signal, kSignalCount> signals() noexcept;
[[nodiscard]] inline const Signal& signal_of(SignalKind kind) noexcept {
  return signals()[static_cast<std::size_t>(kind)];
}

// Of a name that one of them has.
[[nodiscard]] const Signal& signal_named(std::string_view name) noexcept;

// Creates what is missing; changes nothing that exists.
[[nodiscard]] std::string create_tables_sql();

// Closed rows: a list of files for read_parquet, and a condition on their rows ("": all of them).
struct FileGroup {
  std::string quoted_files;
  std::string condition = {};
};
// SELECT ...: the rows of the hot table and of these files.
[[nodiscard]] std::string signal_rows_sql(const Signal& signal, std::span<const FileGroup> groups);
// The view of one signal: its hot table and the given files ("" when there are none).
[[nodiscard]] std::string signal_view_sql(const Signal& signal, std::string_view quoted_files);
// `spans` and `logs`: what is stored plus what follows from the transactions.
[[nodiscard]] std::string_view spans_rows_sql() noexcept;
[[nodiscard]] std::string_view logs_rows_sql() noexcept;
[[nodiscard]] std::string derived_views_sql();
inline constexpr std::string_view kLastDerivedView = "in_doubt";

// A digest of the text that made a view, kept as the comment of the view (of the last one, when it made
// several).
[[nodiscard]] std::string view_mark(std::string_view sql);
[[nodiscard]] std::string view_mark_sql(std::string_view view, std::string_view sql);

}  // namespace fluxrig::sink
