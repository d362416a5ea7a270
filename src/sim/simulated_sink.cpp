#include "sim/simulated_sink.hpp"

namespace fluxrig::sim {

Result<sink::CommitSummary> SimulatedSink::commit(std::span<const sink::IncomingBlock> blocks) {
  if (gate_ && !gate_()) return fail(ErrorCode::kUnavailable, "the process is dead");
  if (down_) return fail(ErrorCode::kIo, "the store is down");
  const bool failing = failures_ != 0;
  if (failing) --failures_;
  const bool complete = !failing || world_.random.below(2) == 0;
  if (!complete) return fail(ErrorCode::kIo, "the store failed in the middle of a commit");

  sink::CommitSummary summary;
  for (const auto& block : blocks) {
    if (block.records.empty()) continue;
    const sink::StreamKey key{block.head.machine_id, block.head.lane, block.head.epoch};
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
