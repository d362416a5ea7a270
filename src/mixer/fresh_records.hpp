// Which records of a batch are new, for those who must see each once. Pure; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "sink/sink.hpp"

namespace fluxrig::mixer {

// Of one block: indices of its records, from the first to before the second, rising and apart.
using RecordRuns = std::vector<std::pair<std::size_t, std::size_t>>;

// By block. A record is new when neither the ledger, as of before the commit, nor an earlier block of the
// batch has its sequence.
[[nodiscard]] std::vector<RecordRuns> fresh_runs(std::span<const sink::IncomingBlock> blocks,
                                                 const sink::Ledger& ledger);

struct FreshBlock {
  sink::IncomingBlock block;
  RecordRuns fresh;
};
// Puts together what belongs together; blocks without new records are left out. As many runs as blocks.
[[nodiscard]] std::vector<FreshBlock> with_fresh(std::vector<sink::IncomingBlock> blocks,
                                                 std::vector<RecordRuns> runs);

}  // namespace fluxrig::mixer
