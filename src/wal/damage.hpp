// What of a closed segment cannot be read any more, for a loss block to declare. One thread; changes nothing.
#pragma once

#include <vector>

#include "wal/control_body.hpp"
#include "wal/disk.hpp"
#include "wal/segment_name.hpp"

namespace fluxrig::wal {

inline constexpr std::size_t kMaxDamagedRanges = 1'000;

// In order; the rest of a file with more than kMaxDamagedRanges counts as one. `end`: one more than the last
// sequence that the segment held. An error is the disk's, and says nothing about the records.
[[nodiscard]] Result<std::vector<LossBody::Range>> damaged_ranges(Disk& disk, const std::string& directory,
                                                                  const SegmentName& name, Sequence end);

}  // namespace fluxrig::wal
