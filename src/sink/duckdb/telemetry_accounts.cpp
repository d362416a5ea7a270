#include "sink/duckdb/telemetry_accounts.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sink/duckdb/utf8_text.hpp"

namespace fluxrig::sink {
namespace {

std::string hour_sql(model::Hour hour) {
  return fmt::format("make_timestamp({}::BIGINT)", hour.start().value / kNanosPerMicro);
}

std::string time_sql(UnixNanos time) {
  return fmt::format("make_timestamp_ns({}::BIGINT)", std::clamp<std::int64_t>(time.value, 0, INT64_MAX - 1));
}

// A rack's name is from the certificate index.
std::string rack_sql(const std::string& rack) {
  std::string scratch;
  return quote(valid_utf8(rack, scratch));
}

std::uint64_t dropped(const model::LedgerStatement& statement, model::DropCause cause) {
  return statement.dropped[static_cast<std::size_t>(cause)];
}

}  // namespace

void TelemetryAccounts::see(const IncomingBlock& block, std::size_t index) {
  const auto& record = block.records[index];
  if (block.head.lane == model::Lane::kTelemetry) {
    auto& stored = stored_[{block.head.machine_id, block.head.epoch, model::Hour::of(block.head.time),
                            model::signal_of(record)}];
    stored.rack = block.rack;
    ++stored.records;
  } else if (const auto* log = std::get_if<model::Log>(&record); log != nullptr) {
    see_event(block, block.head.first.value + index, *log);
  }
}

void TelemetryAccounts::see_event(const IncomingBlock& block, std::uint64_t sequence, const model::Log& log) {
  if (block.head.lane != model::Lane::kAudit) return;
  const auto& machine = block.head.machine_id;
  if (const auto statement = model::ledger_statement(log)) {
    auto& stated = stated_[{machine, block.head.epoch, statement->hour, statement->signal}];
    if (sequence > stated.sequence) stated = {block.rack, sequence, *statement, log.time, block.received};
  } else if (const auto lost = model::lost_telemetry(log)) {
    auto& known = lost_[{machine, lost->epoch, lost->first}];
    if (known.lost.last < lost->last) known = {block.rack, *lost};
  }
}

Attempt<void> TelemetryAccounts::finish(Connection& connection) const {
  std::string sql;
  const auto key = [](const Account& account, const std::string& rack) {
    return fmt::format("{}, {}, {}, {}, {}", quote(to_string(account.machine_id)), account.epoch.value,
                       hour_sql(account.hour), quote(to_string(account.signal)), rack_sql(rack));
  };
  for (const auto& [account, stored] : stored_)
    sql += fmt::format(
        "INSERT INTO telemetry_stored VALUES ({}, {}) ON CONFLICT DO UPDATE SET records = records + "
        "excluded.records;",
        key(account, stored.rack), stored.records);
  for (const auto& [account, stated] : stated_) {
    const auto& one = stated.statement;
    using model::DropCause;
    sql += fmt::format(
        "INSERT INTO telemetry_stated VALUES ({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}) ON CONFLICT DO "
        "UPDATE SET seq = excluded.seq, produced = excluded.produced, ring_full = excluded.ring_full, "
        "queue_full = excluded.queue_full, restricted_sampling = excluded.restricted_sampling, oversize = "
        "excluded.oversize, disabled = excluded.disabled, closed = excluded.closed, last = excluded.last, "
        "stated_at = excluded.stated_at, received_at = excluded.received_at WHERE excluded.seq > seq;",
        key(account, stated.rack), stated.sequence, one.produced, dropped(one, DropCause::kRingFull),
        dropped(one, DropCause::kQueueFull), dropped(one, DropCause::kRestrictedSampling),
        dropped(one, DropCause::kOversize), dropped(one, DropCause::kDisabled), one.closed, one.last,
        time_sql(stated.time), time_sql(stated.received));
  }
  for (const auto& [place, known] : lost_) {
    const auto& lost = known.lost;
    using model::Signal;
    sql += fmt::format(
        "INSERT INTO telemetry_lost VALUES ({}, {}, {}, {}, {}, {}, {}, {}, {}, {}) ON CONFLICT DO UPDATE "
        "SET "
        "last_seq = excluded.last_seq, spans = excluded.spans, metrics = excluded.metrics, logs = "
        "excluded.logs WHERE excluded.last_seq > last_seq;",
        quote(to_string(std::get<MachineId>(place))), lost.epoch.value, lost.first.value, lost.last.value,
        hour_sql(lost.hour), rack_sql(known.rack), quote(to_string(lost.cause)), lost.counts[Signal::kSpans],
        lost.counts[Signal::kMetrics], lost.counts[Signal::kLogs]);
  }
  return sql.empty() ? Attempt<void>{} : connection.run(sql);
}

Attempt<void> forget_accounts(Connection& connection, std::int64_t first_kept_day) {
  std::string hours;
  std::string deletes;
  for (const std::string_view table : {"telemetry_stored", "telemetry_stated", "telemetry_lost"}) {
    hours += fmt::format("{}SELECT machine_id, epoch, hour_start FROM {}", hours.empty() ? "" : " UNION ALL ",
                         table);
    deletes += fmt::format(
        "DELETE FROM {0} AS t USING accounts_over AS o WHERE t.machine_id = o.machine_id AND "
        "t.epoch = o.epoch;",
        table);
  }
  return connection.run(
      fmt::format("CREATE TEMP TABLE accounts_over AS SELECT machine_id, epoch FROM ({}) GROUP BY ALL HAVING "
                  "max(hour_start) < make_timestamp({}::BIGINT * 86400000000);{}DROP TABLE accounts_over;",
                  hours, first_kept_day, deletes));
}

}  // namespace fluxrig::sink
