#include "sim/simulated_sink.hpp"

#include <algorithm>

#include "model/telemetry_ledger.hpp"
#include "wal/control_body.hpp"

namespace fluxrig::sim {

Result<sink::CommitSummary> SimulatedSink::commit(std::span<const sink::IncomingBlock> blocks) {
  return commit_audited(blocks, {});
}

Result<std::vector<sink::KnownBlock>> SimulatedSink::known_blocks(const KnownQuestion& question) {
  if (down_) return fail(ErrorCode::kIo, "the store is down");
  std::vector<sink::KnownBlock> found;
  const auto asked = [&](const model::Hash& hash) {
    return std::find(question.hashes.begin(), question.hashes.end(), hash) != question.hashes.end();
  };
  for (const auto& [first, known] : kept_[question.stream])
    if (first >= question.from && first <= question.to && (asked(known.hash) || asked(known.previous)))
      found.push_back(known);
  return found;
}

Result<sink::CommitSummary> SimulatedSink::commit_audited(std::span<const sink::IncomingBlock> blocks,
                                                          const sink::AuditChanges& changes) {
  if (gate_ && !gate_()) return fail(ErrorCode::kUnavailable, "the process is dead");
  if (down_) return fail(ErrorCode::kIo, "the store is down");
  const bool failing = failures_ != 0;
  if (failing) --failures_;
  const bool complete = !failing || world_.random.below(2) == 0;
  if (!complete) return fail(ErrorCode::kIo, "the store failed in the middle of a commit");

  sink::CommitSummary summary;
  sink::apply(changes, audit_);
  for (const auto& block : blocks) {
    const sink::StreamKey key{block.head.machine_id, block.head.lane, block.head.epoch};
    if (!block.bytes.empty()) kept_[key].push_back({block.head.first, {block.hash, block.head.previous}});
    note_loss(block);
    if (block.records.empty()) continue;
    auto& ranges = ledger_[key];
    for (std::size_t i = 0; i < block.records.size(); ++i) {
      const Sequence sequence{block.head.first.value + i};
      if (ranges.contains(sequence)) {
        ++summary.duplicates;
        continue;
      }
      ++summary.rows;
      world_.oracle.stored({key.machine_id, key.lane, key.epoch, sequence}, block.records[i]);
      note_intents(key, block.records[i]);
      note_telemetry(key, block.records[i]);
    }
    ranges.add(block.head.first, {block.head.first.value + block.records.size() - 1});
  }
  world_.note("sink", "committed", summary.rows, summary.duplicates);
  if (gate_ && !gate_()) return fail(ErrorCode::kUnavailable, "the process is dead");
  if (failing) return fail(ErrorCode::kIo, "the store failed after a commit");
  return summary;
}

void SimulatedSink::note_loss(const sink::IncomingBlock& block) {
  if (block.head.kind != model::BlockKind::kLoss || block.bytes.empty()) return;
  const auto view = model::decode_block(block.bytes);
  const auto body = view ? wal::decode_loss_body(view->body) : tl::unexpected(view.error());
  if (body) world_.losses.declared(block.head, *body);
}

void SimulatedSink::note_telemetry(const sink::StreamKey& key, const model::Record& record) {
  const auto* log = std::get_if<model::Log>(&record);
  if (log == nullptr || key.lane != model::Lane::kAudit) return;
  if (const auto statement = model::ledger_statement(*log))
    world_.telemetry.stated(key.machine_id, key.epoch, *statement);
  if (const auto lost = model::lost_telemetry(*log)) world_.telemetry.stated(key.machine_id, *lost);
}

// An outcome may come before its intent: the blocks of a rack may be sent again in another order.
void SimulatedSink::note_intents(const sink::StreamKey& key, const model::Record& record) {
  if (const auto* outcome = std::get_if<model::Transaction>(&record)) {
    open_[key].erase(outcome->span_id);
    outcomes_[key].insert(outcome->span_id);
  }
  const auto* intent = std::get_if<model::Intent>(&record);
  if (intent == nullptr || outcomes_[key].contains(intent->span_id)) return;
  if (const auto execution = Oracle::execution_of(record)) open_[key].emplace(intent->span_id, *execution);
}

std::set<Execution> SimulatedSink::in_doubt() const {
  std::map<MachineId, Epoch> newest;
  for (const auto& [key, ranges] : ledger_)
    if (key.lane == model::Lane::kAudit) newest[key.machine_id] = std::max(newest[key.machine_id], key.epoch);
  std::set<Execution> found;
  for (const auto& [key, intents] : open_)
    if (key.epoch < newest[key.machine_id])
      for (const auto& [span, execution] : intents) found.insert(execution);
  return found;
}

}  // namespace fluxrig::sim
