// The tables of the store, as SQL.
#include <fmt/format.h>

#include "sink/duckdb/id_places.hpp"
#include "sink/duckdb/schema.hpp"

namespace fluxrig::sink {
namespace {

// hour_start decides which Parquet part a row moves to; it is not stored there: the folders say it.
constexpr std::string_view kCommonTypes =
    "hour_start TIMESTAMP NOT NULL, flux_id UUID, trace_id VARCHAR, machine_id UUID, rack VARCHAR, gear "
    "VARCHAR, "
    "lane VARCHAR, epoch UINTEGER, seq UBIGINT, received_at TIMESTAMP_NS";

// Of records: {0} are the columns that all have.
constexpr std::string_view kRecordTables = R"sql(
CREATE TABLE IF NOT EXISTS hot_transactions ({0}, span_id VARCHAR, parent_span_id VARCHAR, trace_flags
  UTINYINT, tracestate VARCHAR, name VARCHAR, kind VARCHAR, start_time TIMESTAMP_NS, end_time
  TIMESTAMP_NS, duration_ns BIGINT, outcome VARCHAR, reason VARCHAR, attributes MAP(VARCHAR, VARCHAR),
  redactions VARCHAR[], child_spans UINTEGER);
CREATE TABLE IF NOT EXISTS hot_child_spans ({0}, span_id VARCHAR, parent_span_id VARCHAR, name VARCHAR,
  kind VARCHAR, start_time TIMESTAMP_NS, end_time TIMESTAMP_NS, duration_ns BIGINT, status VARCHAR,
  status_message VARCHAR, attributes MAP(VARCHAR, VARCHAR));
CREATE TABLE IF NOT EXISTS hot_metrics ({0}, name VARCHAR, unit VARCHAR, type VARCHAR, monotonic
  BOOLEAN, start_time TIMESTAMP_NS, time TIMESTAMP_NS, value DOUBLE, count UBIGINT, sum DOUBLE, min
  DOUBLE, max DOUBLE, scale INTEGER, zero_count UBIGINT, bucket_offset INTEGER, buckets UBIGINT[],
  exemplars VARCHAR, attributes MAP(VARCHAR, VARCHAR));
CREATE TABLE IF NOT EXISTS hot_log_records ({0}, span_id VARCHAR, time TIMESTAMP_NS, severity_number
  UTINYINT, severity_text VARCHAR, event_name VARCHAR, body VARCHAR, attributes MAP(VARCHAR, VARCHAR));
)sql";

// Of the store itself, and what it knows of racks. The last three columns of parquet_files: id_places.hpp.
constexpr std::string_view kHouseTables = R"sql(
CREATE TABLE IF NOT EXISTS racks (machine_id UUID, rack VARCHAR, version VARCHAR, epoch UINTEGER,
  started TIMESTAMP_NS, last_seen TIMESTAMP_NS, status VARCHAR);
CREATE TABLE IF NOT EXISTS ledger (machine_id UUID, lane VARCHAR, epoch UINTEGER, first_seq UBIGINT,
  last_seq UBIGINT);
CREATE TABLE IF NOT EXISTS parquet_files (id UBIGINT, signal VARCHAR, hour_start TIMESTAMP, path
  VARCHAR, row_count UBIGINT, bytes UBIGINT, sha256 VARCHAR, checked_at TIMESTAMP_NS);
ALTER TABLE parquet_files ADD COLUMN IF NOT EXISTS sha256 VARCHAR;
ALTER TABLE parquet_files ADD COLUMN IF NOT EXISTS checked_at TIMESTAMP_NS;
ALTER TABLE parquet_files ADD COLUMN IF NOT EXISTS placed BOOLEAN DEFAULT false;
ALTER TABLE parquet_files ADD COLUMN IF NOT EXISTS least_second UINTEGER;
ALTER TABLE parquet_files ADD COLUMN IF NOT EXISTS most_second UINTEGER;
CREATE TABLE IF NOT EXISTS store_marks (mark VARCHAR);
CREATE TABLE IF NOT EXISTS open_intents (flux_id UUID, trace_id VARCHAR, machine_id UUID, rack VARCHAR,
  gear VARCHAR, epoch UINTEGER, seq UBIGINT, received_at TIMESTAMP_NS, span_id VARCHAR, name VARCHAR,
  time TIMESTAMP_NS, attributes MAP(VARCHAR, VARCHAR), redactions VARCHAR[]);
)sql";

// Of the audit chains: docs/formats/store.md.
constexpr std::string_view kAuditTables = R"sql(
CREATE TABLE IF NOT EXISTS hot_audit_blocks (hour_start TIMESTAMP NOT NULL, machine_id UUID, rack
  VARCHAR, epoch UINTEGER, first_seq UBIGINT, count UINTEGER, kind VARCHAR, time TIMESTAMP_NS, hash
  BLOB, previous BLOB, bytes BLOB, received_at TIMESTAMP_NS);
CREATE TABLE IF NOT EXISTS audit_heads (machine_id UUID, epoch UINTEGER, piece UINTEGER, rack VARCHAR,
  first_seq UBIGINT, next_seq UBIGINT, before VARCHAR, head VARCHAR, arrived TIMESTAMP_NS, given_up
  BOOLEAN, checkpoints UBIGINT, first_names VARCHAR, last_statement VARCHAR, signed_to UBIGINT,
  signed_at TIMESTAMP_NS, drops VARCHAR);
CREATE TABLE IF NOT EXISTS audit_epochs (machine_id UUID, epoch UINTEGER, rack VARCHAR, end_seq UBIGINT,
  end_head VARCHAR, end_arrived TIMESTAMP_NS, end_given_up BOOLEAN, declared VARCHAR, untracked
  BOOLEAN);
CREATE TABLE IF NOT EXISTS audit_alarms (id UBIGINT, machine_id UUID, rack VARCHAR, epoch UINTEGER, kind
  VARCHAR, notice BOOLEAN, first_seq UBIGINT, last_seq UBIGINT, what VARCHAR, count UBIGINT, raised_at
  TIMESTAMP_NS, latest_at TIMESTAMP_NS, resolved_at TIMESTAMP_NS);
CREATE TABLE IF NOT EXISTS audit_keys (machine_id UUID, public_key VARCHAR, pinned_at TIMESTAMP_NS);
ALTER TABLE audit_keys ADD COLUMN IF NOT EXISTS from_epoch UINTEGER DEFAULT 0;
CREATE TABLE IF NOT EXISTS operator_actions (time TIMESTAMP_NS, action VARCHAR, who VARCHAR, reason
  VARCHAR, machine_id UUID, alarm UBIGINT, detail VARCHAR);
CREATE TABLE IF NOT EXISTS audit_retired (machine_id UUID, epoch UINTEGER, next_seq UBIGINT);
)sql";

// The ledger of lane telemetry: docs/formats/telemetry-ledger.md.
constexpr std::string_view kTelemetryTables = R"sql(
CREATE TABLE IF NOT EXISTS telemetry_stored (machine_id UUID, epoch UINTEGER, hour_start TIMESTAMP,
  signal VARCHAR, rack VARCHAR, records UBIGINT, PRIMARY KEY (machine_id, epoch, hour_start, signal));
CREATE TABLE IF NOT EXISTS telemetry_stated (machine_id UUID, epoch UINTEGER, hour_start TIMESTAMP,
  signal VARCHAR, rack VARCHAR, seq UBIGINT, produced UBIGINT, ring_full UBIGINT, queue_full UBIGINT,
  restricted_sampling UBIGINT, oversize UBIGINT, disabled UBIGINT, closed BOOLEAN, last BOOLEAN,
  stated_at TIMESTAMP_NS, received_at TIMESTAMP_NS, PRIMARY KEY (machine_id, epoch, hour_start,
  signal));
CREATE TABLE IF NOT EXISTS telemetry_lost (machine_id UUID, epoch UINTEGER, first_seq UBIGINT, last_seq
  UBIGINT, hour_start TIMESTAMP, rack VARCHAR, cause VARCHAR, spans UBIGINT, metrics UBIGINT, logs
  UBIGINT, PRIMARY KEY (machine_id, epoch, first_seq));
)sql";

}  // namespace

std::string create_tables_sql() {
  return fmt::format(kRecordTables, kCommonTypes)
      .append(kHouseTables)
      .append(kAuditTables)
      .append(kTelemetryTables)
      .append(create_places_sql());
}

}  // namespace fluxrig::sink
