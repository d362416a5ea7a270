#include "sink/duckdb/schema.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "model/records.hpp"
#include "wal/sha256.hpp"

namespace fluxrig::sink {
namespace {

// Every stored record starts with these, so that each of the three ids finds it in any table.
#define FLUXRIG_COMMON_COLUMNS "flux_id, trace_id, machine_id, rack, gear, lane, epoch, seq, received_at"

constexpr std::array<Signal, kSignalCount> kSignals = {{
    {"transactions", "hot_transactions",
     FLUXRIG_COMMON_COLUMNS ", span_id, parent_span_id, trace_flags, tracestate, name, kind, start_time, "
                            "end_time, duration_ns, outcome, "
                            "reason, attributes, redactions, child_spans",
     "start_time"},
    {"child_spans", "hot_child_spans",
     FLUXRIG_COMMON_COLUMNS
     ", span_id, parent_span_id, name, kind, start_time, end_time, duration_ns, status, status_message, "
     "attributes",
     "start_time"},
    {"metrics", "hot_metrics",
     FLUXRIG_COMMON_COLUMNS
     ", name, unit, type, monotonic, start_time, time, value, count, sum, min, max, scale, zero_count, "
     "bucket_offset, buckets, exemplars, attributes",
     ""},
    {"log_records", "hot_log_records",
     FLUXRIG_COMMON_COLUMNS ", span_id, time, severity_number, severity_text, event_name, body, attributes",
     "time"},
    // Not records but the blocks that brought those of lane audit, as they came: the evidence.
    {"audit_blocks", "hot_audit_blocks",
     "machine_id, rack, epoch, first_seq, count, kind, time, hash, previous, bytes, received_at", ""},
}};

}  // namespace

std::span<const Signal, kSignalCount> signals() noexcept { return kSignals; }

const Signal& signal_named(std::string_view name) noexcept {
  const auto* found = std::find_if(kSignals.begin(), kSignals.end(),
                                   [&](const Signal& signal) { return signal.name == name; });
  FR_ASSERT(found != kSignals.end());
  return *found;
}

namespace {

// Bounds are not stored: those of explicit histograms are the same for all of them (RecordRows sees to it).
std::string derived_column(const Signal& signal) {
  if (signal.name != "metrics") return {};
  return fmt::format(
      "CASE WHEN type = 'histogram' AND buckets IS NOT NULL THEN [{}]::DOUBLE[] END AS bounds, ",
      fmt::join(model::kHttpDurationBounds, ", "));
}

}  // namespace

std::string signal_rows_sql(const Signal& signal, std::span<const FileGroup> groups) {
  const auto derived = derived_column(signal);
  auto sql = fmt::format(
      "SELECT {0}, {2}CAST(hour_start AS DATE) AS date, CAST(hour(hour_start) AS UTINYINT) AS hour FROM {1}",
      signal.columns, signal.hot_table, derived);
  for (const auto& group : groups) {
    if (group.quoted_files.empty()) continue;
    sql += fmt::format(
        " UNION ALL SELECT {}, {}date, hour FROM read_parquet([{}], hive_partitioning=true, "
        "hive_types={{'signal': VARCHAR, 'date': DATE, 'hour': UTINYINT}})",
        signal.columns, derived, group.quoted_files);
    if (!group.condition.empty()) sql += " WHERE " + group.condition;
  }
  return sql;
}

std::string signal_view_sql(const Signal& signal, std::string_view quoted_files) {
  const FileGroup all{std::string(quoted_files)};
  return fmt::format("CREATE OR REPLACE VIEW {} AS {};", signal.name, signal_rows_sql(signal, {&all, 1}));
}

std::string_view spans_rows_sql() noexcept {
  return "SELECT " FLUXRIG_COMMON_COLUMNS
         ", span_id, parent_span_id, false AS is_root, name, kind, start_time, end_time, duration_ns, "
         "status, "
         "status_message, attributes, date, hour FROM child_spans UNION ALL SELECT " FLUXRIG_COMMON_COLUMNS
         ", span_id, parent_span_id, true, name, kind, start_time, end_time, duration_ns, "
         "CASE WHEN outcome = 'answered' THEN 'unset' ELSE 'error' END, reason, attributes, date, hour "
         "FROM transactions";
}

std::string_view logs_rows_sql() noexcept {
  return "SELECT " FLUXRIG_COMMON_COLUMNS
         ", span_id, time, severity_number, severity_text, event_name, body, attributes, date, hour "
         "FROM log_records UNION ALL SELECT " FLUXRIG_COMMON_COLUMNS
         ", span_id, end_time, CAST(CASE WHEN outcome = 'answered' THEN 9 ELSE 17 END AS UTINYINT), "
         "CASE WHEN outcome = 'answered' THEN 'INFO' ELSE 'ERROR' END, 'fluxrig.transaction', "
         "CASE WHEN reason IS NULL THEN name || ' ' || outcome ELSE name || ' ' || outcome || ': ' || reason "
         "END, "
         "attributes, date, hour FROM transactions";
}

std::string derived_views_sql() {
  return fmt::format("CREATE OR REPLACE VIEW spans AS {};CREATE OR REPLACE VIEW logs AS {};",
                     spans_rows_sql(), logs_rows_sql()) +
         // A rack's records come in order, so those of a later epoch say that this one is over.
         "CREATE OR REPLACE VIEW in_doubt AS SELECT * FROM open_intents AS o WHERE EXISTS (SELECT 1 FROM "
         "ledger WHERE ledger.machine_id = o.machine_id AND ledger.lane = 'audit' AND ledger.epoch > "
         "o.epoch);";
}

std::string view_mark(std::string_view sql) {
  wal::Sha256 digest;
  digest.add(as_bytes(sql));
  return to_hex(digest.finish());
}

std::string view_mark_sql(std::string_view view, std::string_view sql) {
  return fmt::format("COMMENT ON VIEW {} IS '{}';", view, view_mark(sql));
}

}  // namespace fluxrig::sink
