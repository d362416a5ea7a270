#include "sink/duckdb/schema.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "model/records.hpp"
#include "sink/duckdb/id_places.hpp"
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

// hour_start decides which Parquet part a row moves to; it is not stored there: the folders say it.
constexpr std::string_view kCommonTypes =
    "hour_start TIMESTAMP NOT NULL, flux_id UUID, trace_id VARCHAR, machine_id UUID, rack VARCHAR, gear "
    "VARCHAR, "
    "lane VARCHAR, epoch UINTEGER, seq UBIGINT, received_at TIMESTAMP_NS";

}  // namespace

std::span<const Signal, kSignalCount> signals() noexcept { return kSignals; }

const Signal& signal_named(std::string_view name) noexcept {
  const auto* found = std::find_if(kSignals.begin(), kSignals.end(),
                                   [&](const Signal& signal) { return signal.name == name; });
  FR_ASSERT(found != kSignals.end());
  return *found;
}

std::string create_tables_sql() {
  return fmt::format(
             "CREATE TABLE IF NOT EXISTS hot_transactions ({0}, span_id VARCHAR, parent_span_id VARCHAR, "
             "trace_flags UTINYINT, tracestate VARCHAR, name VARCHAR, kind VARCHAR, start_time TIMESTAMP_NS, "
             "end_time TIMESTAMP_NS, duration_ns BIGINT, outcome VARCHAR, reason VARCHAR, attributes "
             "MAP(VARCHAR, "
             "VARCHAR), "
             "redactions VARCHAR[], child_spans UINTEGER);"
             "CREATE TABLE IF NOT EXISTS hot_child_spans ({0}, span_id VARCHAR, parent_span_id VARCHAR, name "
             "VARCHAR, "
             "kind VARCHAR, start_time TIMESTAMP_NS, end_time TIMESTAMP_NS, duration_ns BIGINT, status "
             "VARCHAR, "
             "status_message VARCHAR, attributes MAP(VARCHAR, VARCHAR));"
             "CREATE TABLE IF NOT EXISTS hot_metrics ({0}, name VARCHAR, unit VARCHAR, type VARCHAR, "
             "monotonic "
             "BOOLEAN, "
             "start_time TIMESTAMP_NS, time TIMESTAMP_NS, value DOUBLE, count UBIGINT, sum DOUBLE, min "
             "DOUBLE, max "
             "DOUBLE, "
             "scale INTEGER, zero_count UBIGINT, bucket_offset INTEGER, buckets UBIGINT[], exemplars "
             "VARCHAR, "
             "attributes MAP(VARCHAR, VARCHAR));"
             "CREATE TABLE IF NOT EXISTS hot_log_records ({0}, span_id VARCHAR, time TIMESTAMP_NS, "
             "severity_number "
             "UTINYINT, "
             "severity_text VARCHAR, event_name VARCHAR, body VARCHAR, attributes MAP(VARCHAR, VARCHAR));"
             "CREATE TABLE IF NOT EXISTS racks (machine_id UUID, rack VARCHAR, version VARCHAR, epoch "
             "UINTEGER, "
             "started TIMESTAMP_NS, last_seen TIMESTAMP_NS, status VARCHAR);"
             "CREATE TABLE IF NOT EXISTS ledger (machine_id UUID, lane VARCHAR, epoch UINTEGER, first_seq "
             "UBIGINT, "
             "last_seq UBIGINT);"
             "CREATE TABLE IF NOT EXISTS parquet_files (id UBIGINT, signal VARCHAR, hour_start TIMESTAMP, "
             "path "
             "VARCHAR, "
             "row_count UBIGINT, bytes UBIGINT, sha256 VARCHAR, checked_at TIMESTAMP_NS);"
             "ALTER TABLE parquet_files ADD COLUMN IF NOT EXISTS sha256 VARCHAR;"
             "ALTER TABLE parquet_files ADD COLUMN IF NOT EXISTS checked_at TIMESTAMP_NS;"
             // id_places.hpp
             "ALTER TABLE parquet_files ADD COLUMN IF NOT EXISTS placed BOOLEAN DEFAULT false;"
             "ALTER TABLE parquet_files ADD COLUMN IF NOT EXISTS least_second UINTEGER;"
             "ALTER TABLE parquet_files ADD COLUMN IF NOT EXISTS most_second UINTEGER;"
             "CREATE TABLE IF NOT EXISTS store_marks (mark VARCHAR);"
             "CREATE TABLE IF NOT EXISTS open_intents (flux_id UUID, trace_id VARCHAR, machine_id UUID, rack "
             "VARCHAR, gear VARCHAR, epoch UINTEGER, seq UBIGINT, received_at TIMESTAMP_NS, span_id VARCHAR, "
             "name "
             "VARCHAR, time TIMESTAMP_NS, attributes MAP(VARCHAR, VARCHAR), redactions VARCHAR[]);"
             "CREATE TABLE IF NOT EXISTS hot_audit_blocks (hour_start TIMESTAMP NOT NULL, machine_id UUID, "
             "rack "
             "VARCHAR, epoch UINTEGER, first_seq UBIGINT, count UINTEGER, kind VARCHAR, time TIMESTAMP_NS, "
             "hash BLOB, previous BLOB, bytes BLOB, received_at TIMESTAMP_NS);"
             "CREATE TABLE IF NOT EXISTS audit_heads (machine_id UUID, epoch UINTEGER, piece UINTEGER, rack "
             "VARCHAR, "
             "first_seq UBIGINT, next_seq UBIGINT, before VARCHAR, head VARCHAR, arrived TIMESTAMP_NS, "
             "given_up "
             "BOOLEAN, checkpoints UBIGINT, first_names VARCHAR, last_statement VARCHAR, signed_to UBIGINT, "
             "signed_at TIMESTAMP_NS, drops VARCHAR);"
             "CREATE TABLE IF NOT EXISTS audit_epochs (machine_id UUID, epoch UINTEGER, rack VARCHAR, "
             "end_seq "
             "UBIGINT, end_head VARCHAR, end_arrived TIMESTAMP_NS, end_given_up BOOLEAN, declared VARCHAR, "
             "untracked BOOLEAN);"
             "CREATE TABLE IF NOT EXISTS audit_alarms (id UBIGINT, machine_id UUID, rack VARCHAR, epoch "
             "UINTEGER, "
             "kind VARCHAR, notice BOOLEAN, first_seq UBIGINT, last_seq UBIGINT, what VARCHAR, count "
             "UBIGINT, "
             "raised_at TIMESTAMP_NS, latest_at TIMESTAMP_NS, resolved_at TIMESTAMP_NS);"
             "CREATE TABLE IF NOT EXISTS audit_keys (machine_id UUID, public_key VARCHAR, pinned_at "
             "TIMESTAMP_NS);"
             "ALTER TABLE audit_keys ADD COLUMN IF NOT EXISTS from_epoch UINTEGER DEFAULT 0;"
             "CREATE TABLE IF NOT EXISTS operator_actions (time TIMESTAMP_NS, action VARCHAR, who VARCHAR, "
             "reason "
             "VARCHAR, machine_id UUID, alarm UBIGINT, detail VARCHAR);"
             "CREATE TABLE IF NOT EXISTS audit_retired (machine_id UUID, epoch UINTEGER, next_seq UBIGINT);"
             // The ledger of lane telemetry: docs/formats/telemetry-ledger.md.
             "CREATE TABLE IF NOT EXISTS telemetry_stored (machine_id UUID, epoch UINTEGER, hour_start "
             "TIMESTAMP, "
             "signal VARCHAR, rack VARCHAR, records UBIGINT, PRIMARY KEY (machine_id, epoch, hour_start, "
             "signal));"
             "CREATE TABLE IF NOT EXISTS telemetry_stated (machine_id UUID, epoch UINTEGER, hour_start "
             "TIMESTAMP, "
             "signal VARCHAR, rack VARCHAR, seq UBIGINT, produced UBIGINT, ring_full UBIGINT, queue_full "
             "UBIGINT, "
             "restricted_sampling UBIGINT, oversize UBIGINT, disabled UBIGINT, closed BOOLEAN, last BOOLEAN, "
             "stated_at TIMESTAMP_NS, received_at TIMESTAMP_NS, PRIMARY KEY (machine_id, epoch, hour_start, "
             "signal));"
             "CREATE TABLE IF NOT EXISTS telemetry_lost (machine_id UUID, epoch UINTEGER, first_seq UBIGINT, "
             "last_seq UBIGINT, hour_start TIMESTAMP, rack VARCHAR, cause VARCHAR, spans UBIGINT, metrics "
             "UBIGINT, "
             "logs UBIGINT, PRIMARY KEY (machine_id, epoch, first_seq));",
             kCommonTypes) +
         create_places_sql();
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
