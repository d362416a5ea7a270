#include "wal/epoch_choice.hpp"

#include <algorithm>
#include <limits>

namespace fluxrig::wal {
namespace {

// The file `epoch` takes none higher.
constexpr std::uint64_t kLastEpoch = std::numeric_limits<std::uint32_t>::max() - 1;

}  // namespace

Epoch next_epoch(const EpochChoice& choice) noexcept {
  const std::uint64_t least = std::uint64_t{choice.highest} + 1;
  std::uint64_t next = std::max<std::uint64_t>(least, choice.floor);
  // Behind the clock or near it no later start has to take a large step; what was used without a trace is at
  // most as near.
  if (least <= choice.floor + (choice.floor == 0 ? 0 : kEpochsNearClock)) {
    if (choice.unsure) next = choice.floor + kEpochsNearClock + 1;
  } else {
    if (choice.unsure) next += kEpochSkip;
    if (choice.floor != 0)
      next += choice.random % (next - choice.floor < kFarAheadSeconds ? kEpochStep : kShortEpochStep);
  }
  return {static_cast<std::uint32_t>(std::min(next, kLastEpoch))};
}

}  // namespace fluxrig::wal
