#include "mixer/fresh_records.hpp"

#include "base/assert.hpp"

namespace fluxrig::mixer {

std::vector<RecordRuns> fresh_runs(std::span<const sink::IncomingBlock> blocks, const sink::Ledger& ledger) {
  std::vector<RecordRuns> all(blocks.size());
  sink::Ledger earlier;
  for (std::size_t n = 0; n < blocks.size(); ++n) {
    const auto& block = blocks[n];
    if (block.records.empty()) continue;
    const sink::StreamKey key{block.head.machine_id, block.head.lane, block.head.epoch};
    const auto known = ledger.find(key);
    auto& before = earlier[key];
    auto& runs = all[n];
    for (std::size_t i = 0; i < block.records.size(); ++i) {
      const Sequence sequence{block.head.first.value + i};
      if ((known != ledger.end() && known->second.contains(sequence)) || before.contains(sequence)) continue;
      if (runs.empty() || runs.back().second != i) runs.emplace_back(i, i);
      runs.back().second = i + 1;
    }
    before.add(block.head.first, Sequence{block.head.first.value + block.records.size() - 1});
  }
  return all;
}

std::vector<FreshBlock> with_fresh(std::vector<sink::IncomingBlock> blocks, std::vector<RecordRuns> runs) {
  FR_ASSERT(blocks.size() == runs.size());
  std::vector<FreshBlock> fresh;
  for (std::size_t n = 0; n < blocks.size(); ++n)
    if (!runs[n].empty()) fresh.push_back({std::move(blocks[n]), std::move(runs[n])});
  return fresh;
}

}  // namespace fluxrig::mixer
