#include "sink/duckdb/duckdb_ingest.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sink/duckdb/audit_tables.hpp"
#include "sink/duckdb/ledger_table.hpp"
#include "sink/duckdb/part_alarms.hpp"
#include "sink/duckdb/record_rows.hpp"
#include "sink/duckdb/telemetry_accounts.hpp"
#include "sink/duckdb/utf8_text.hpp"

namespace fluxrig::sink {
namespace {

StreamKey key_of(const model::BlockHead& head) { return {head.machine_id, head.lane, head.epoch}; }

// What the ledger relies on: a block's records are exactly its sequences.
bool is_consistent(const IncomingBlock& block) {
  return block.records.empty() || (block.records.size() == block.head.count &&
                                   block.head.first.value <= UINT64_MAX - block.records.size());
}

// A rack says when it started: a time that DuckDB cannot hold must not look like a failing store.
std::string time_text(UnixNanos time) {
  return std::to_string(std::clamp<std::int64_t>(time.value, 0, INT64_MAX - 1));
}

tl::unexpected<DatabaseError> injected() { return database_error(DUCKDB_ERROR_IO, "injected by the test"); }

}  // namespace

Attempt<void> DuckDbSink::start() {
  // The archive first: with a new database it fills the ledger from the Parquet history.
  if (auto started = archive_.start(); !started) return started;
  auto ledger = load_ledger(core_.connection());
  if (!ledger) return tl::unexpected(std::move(ledger.error()));
  ledger_ = std::move(*ledger);
  auto audit = load_audit(core_.connection());
  if (!audit) return tl::unexpected(std::move(audit.error()));
  audit_ = std::move(*audit);
  auto open = OpenIntents::load(core_.connection());
  if (!open) return tl::unexpected(std::move(open.error()));
  open_intents_ = std::move(*open);
  core_.start_selects();
  return raise_alarms(archive_.lost(), false);
}

Error DuckDbSink::failed(const char* what, const DatabaseError& error) {
  core_.diagnostics.error("sink", fmt::format("{} failed: {}", what, error.message),
                          {{"file", core_.file()}});
  // Closed at once, so that selects do not meet what is left of the database, and opened so that they wait no
  // longer than that. If it cannot be opened, the next call tries again.
  if (error.invalidates()) {
    core_.close();
    (void)ready();
  }
  return error.to_error();
}

Result<void> DuckDbSink::ready() {
  if (core_.is_open()) return {};
  auto opened = core_.open();
  if (opened) opened = start();
  if (opened) {
    core_.diagnostics.info("sink", "the store was opened again", {{"file", core_.file()}});
    return {};
  }
  core_.close();
  core_.diagnostics.error("sink", "the store cannot be opened again: " + opened.error().message,
                          {{"file", core_.file()}});
  return tl::unexpected(opened.error().to_error());
}

Result<CommitSummary> DuckDbSink::commit_audited(std::span<const IncomingBlock> blocks,
                                                 const AuditChanges& changes) {
  for (const auto& block : blocks)
    if (!is_consistent(block)) return fail(ErrorCode::kInvalid, "a block's count differs from its records");
  if (auto usable = ready(); !usable) return tl::unexpected(usable.error());
  Changed changed;
  auto summary = store(blocks, changes, changed);
  if (!summary) return tl::unexpected(failed("a commit", summary.error()));
  for (auto& [key, ranges] : changed.ledger) ledger_[key] = std::move(ranges);
  for (const auto& [key, count] : changed.open_intents) open_intents_[key] = count;
  apply(changes, audit_);
  checkpoint();
  return *summary;
}

// What was committed is in the log: it stays there when this fails.
void DuckDbSink::checkpoint() {
  if (const auto done = core_.checkpoint_when_due(); !done) (void)failed("a checkpoint", done.error());
}

Attempt<CommitSummary> DuckDbSink::store(std::span<const IncomingBlock> blocks, const AuditChanges& changes,
                                         Changed& changed) {
  if (auto room = core_.room(StoreCore::Need::kUsual); !room) return tl::unexpected(std::move(room.error()));
  auto transaction = StoreTransaction::begin(core_.connection());
  if (!transaction) return tl::unexpected(std::move(transaction.error()));
  CommitSummary summary;
  RecordRows rows(core_.connection());
  OpenIntents intents(open_intents_, ledger_);
  TelemetryAccounts accounts;
  for (const auto& block : blocks) {
    if (block.head.lane == model::Lane::kAudit && !block.bytes.empty()) rows.keep(block);
    if (block.records.empty()) continue;
    const auto key = key_of(block.head);
    auto found = changed.ledger.find(key);
    if (found == changed.ledger.end()) {
      const auto stored = ledger_.find(key);
      found = changed.ledger.emplace(key, stored == ledger_.end() ? SequenceRanges{} : stored->second).first;
    }
    auto& ranges = found->second;
    const Sequence first = block.head.first;
    const Sequence last{first.value + block.records.size() - 1};
    const bool overlaps = ranges.intersects(first, last);
    for (std::size_t i = 0; i < block.records.size(); ++i) {
      if (overlaps && ranges.contains(Sequence{first.value + i})) {
        ++summary.duplicates;
        continue;
      }
      rows.add(block, i);
      intents.see(block, i);
      accounts.see(block, i);
    }
    ranges.add(first, last);
  }
  if (core_.fails_at("commit.rows")) return injected();
  auto written = rows.finish();
  if (!written) return tl::unexpected(std::move(written.error()));
  summary.rows = *written;
  if (auto settled = intents.finish(core_.connection(), changed.open_intents); !settled)
    return tl::unexpected(std::move(settled.error()));
  if (auto counted = accounts.finish(core_.connection()); !counted)
    return tl::unexpected(std::move(counted.error()));
  for (const auto& [key, ranges] : changed.ledger) {
    const auto stored = ledger_.find(key);
    static const SequenceRanges kNone;
    const auto& before = stored == ledger_.end() ? kNone : stored->second;
    if (auto kept = store_ranges(core_.connection(), key, before, ranges); !kept)
      return tl::unexpected(std::move(kept.error()));
  }
  if (core_.fails_at("commit.ledger")) return injected();
  if (auto kept = store_audit(core_.connection(), audit_, changes); !kept)
    return tl::unexpected(std::move(kept.error()));
  if (core_.fails_at("commit.audit")) return injected();
  if (auto committed = transaction->commit(); !committed) return tl::unexpected(std::move(committed.error()));
  return summary;
}

Result<std::vector<KnownBlock>> DuckDbSink::known_blocks(const KnownQuestion& question) {
  if (question.hashes.empty()) return std::vector<KnownBlock>{};
  if (auto usable = ready(); !usable) return tl::unexpected(usable.error());
  auto known = find_blocks(core_.connection(), question);
  if (!known) return tl::unexpected(failed("looking up audit blocks", known.error()));
  return *std::move(known);
}

Attempt<void> DuckDbSink::insert_received(const ReceivedSpans& received) {
  if (auto room = core_.room(StoreCore::Need::kUsual); !room) return room;
  auto transaction = StoreTransaction::begin(core_.connection());
  if (!transaction) return tl::unexpected(std::move(transaction.error()));
  RecordRows rows(core_.connection());
  std::uint64_t sequence = received.first.value;
  for (const auto& record : received.spans)
    if (const auto* span = std::get_if<model::Span>(&record.value()))
      rows.add_received(*span, {received.epoch, {sequence++}, received.received});
  if (core_.fails_at("received.rows")) return injected();
  if (auto written = rows.finish(); !written) return tl::unexpected(std::move(written.error()));
  return transaction->commit();
}

Result<void> DuckDbSink::store_received(const ReceivedSpans& received) {
  if (auto usable = ready(); !usable) return usable;
  auto stored = insert_received(received);
  if (!stored) return tl::unexpected(failed("storing spans of services", stored.error()));
  checkpoint();
  return {};
}

Attempt<void> DuckDbSink::store_presence(const RackPresence& presence) {
  if (auto room = core_.room(StoreCore::Need::kUsual); !room) return room;
  auto transaction = StoreTransaction::begin(core_.connection());
  if (!transaction) return tl::unexpected(std::move(transaction.error()));
  const auto machine = to_string(presence.machine_id);
  auto gone = core_.connection().run("DELETE FROM racks WHERE machine_id = " + quote(machine));
  if (!gone) return gone;
  auto insert = core_.connection().prepare(
      "INSERT INTO racks VALUES ($1::UUID, $2, $3, $4::UINTEGER, make_timestamp_ns($5::BIGINT), "
      "make_timestamp_ns($6::BIGINT), $7)");
  if (!insert) return tl::unexpected(std::move(insert.error()));
  std::string rack;
  std::string version;
  std::string status;
  auto bound = insert->bind({machine, valid_utf8(presence.rack, rack), valid_utf8(presence.version, version),
                             std::to_string(presence.epoch.value), time_text(presence.started),
                             time_text(presence.last_seen), valid_utf8(presence.status_json, status)});
  if (!bound) return bound;
  if (auto done = insert->execute(); !done) return tl::unexpected(std::move(done.error()));
  return transaction->commit();
}

Result<void> DuckDbSink::remember(const RackPresence& presence) {
  if (auto usable = ready(); !usable) return usable;
  auto stored = store_presence(presence);
  if (!stored) return tl::unexpected(failed("storing a rack's presence", stored.error()));
  return {};
}

// `listed`: they still are, and are noted as checked.
Attempt<void> DuckDbSink::raise_alarms(const std::vector<PartCheck>& checks, bool listed) {
  if (checks.empty()) return {};
  const auto now = core_.clock.now();
  const auto changes = alarms_of(checks, audit_, now);
  if (auto room = core_.room(StoreCore::Need::kLittle); !room) return room;
  auto transaction = StoreTransaction::begin(core_.connection());
  if (!transaction) return tl::unexpected(std::move(transaction.error()));
  auto done = listed ? archive_.note_checked(checks, now) : Attempt<void>{};
  if (done) done = store_audit(core_.connection(), audit_, changes);
  if (done) done = transaction->commit();
  if (!done) return done;
  if (listed) archive_.take_checked(checks, now);
  apply(changes, audit_);
  for (const auto& alarm : changes.alarms) {
    if (!alarm.resolved && alarm.count != 1) continue;
    core_.diagnostics.line(alarm.resolved ? Severity::kInfo : Severity::kError, "sink",
                           (alarm.resolved ? "an alarm has ended: " : "") + alarm.what,
                           {{"directory", core_.parquet().string()}, {"alarm", std::to_string(alarm.id)}});
  }
  return {};
}

Result<bool> DuckDbSink::maintain(UnixNanos now) {
  if (auto usable = ready(); !usable) return tl::unexpected(usable.error());
  checkpoint();
  if (auto usable = ready(); !usable) return tl::unexpected(usable.error());
  auto more = archive_.step(now);
  if (!more) return tl::unexpected(failed("housekeeping", more.error()));
  if (auto told = raise_alarms(archive_.check_parts(now), true); !told)
    return tl::unexpected(failed("housekeeping", told.error()));
  return *more;
}

}  // namespace fluxrig::sink
