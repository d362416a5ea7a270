#include "sim/simulated_sink.hpp"

#include <algorithm>

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
    }
    ranges.add(block.head.first, {block.head.first.value + block.records.size() - 1});
  }
  world_.note("sink", "committed", summary.rows, summary.duplicates);
  if (gate_ && !gate_()) return fail(ErrorCode::kUnavailable, "the process is dead");
  if (failing) return fail(ErrorCode::kIo, "the store failed after a commit");
  return summary;
}

}  // namespace fluxrig::sim
