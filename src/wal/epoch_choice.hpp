// Which epoch a start takes: one that no earlier start of this rack has used, also none that an old copy of
// the directory knows nothing of (docs/adr/0009-epochs-are-seconds.md). A value; any thread.
#pragma once

#include <cstdint>

#include "base/ids.hpp"

namespace fluxrig::wal {

struct EpochChoice {
  std::uint32_t highest = 0;  // that the directory knows of
  bool unsure = false;        // the epoch file cannot be read: higher ones may have been used
  std::uint32_t floor = 0;    // the Unix time in seconds; 0: epochs are counted
  std::uint32_t random = 0;   // any number, another one at each start
};

// Starts that follow each other within a second are ahead of the clock by as much; more than this is a clock
// that was wrong, or epochs that were skipped.
inline constexpr std::uint64_t kEpochsNearClock = 5;
// A directory put back while epochs are ahead of the clock takes one that is used already with the chance of
// 1 to this...
inline constexpr std::uint64_t kEpochStep = 65'536;
// ... and to this when they are ahead by years, where larger steps could use up the 32 bits.
inline constexpr std::uint64_t kShortEpochStep = 256;
inline constexpr std::uint64_t kFarAheadSeconds = 1ULL << 27;
// With the epoch file unreadable, epochs of which nothing else is left may have been used: skip them.
inline constexpr std::uint64_t kEpochSkip = 1000;

// Over `highest` and at least `floor`, as long as there are any.
[[nodiscard]] Epoch next_epoch(const EpochChoice& choice) noexcept;

}  // namespace fluxrig::wal
