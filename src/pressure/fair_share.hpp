// Shares a budget out: max-min fair by weight. Whoever can use less than their part gets what they can use,
// and the rest goes to the others in proportion to their weights. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace fluxrig::pressure {

struct Claim {
  double weight = 0;          // 0: gets nothing
  std::uint64_t most = 0;     // can use no more than that
  std::uint64_t granted = 0;  // the answer
};

// Sets `granted` of each; the sum is at most `budget`, and short of it by less than one for each claim unless
// every claim has what it can use. O(n log n).
void share_fairly(std::uint64_t budget, std::span<Claim> claims);

}  // namespace fluxrig::pressure
