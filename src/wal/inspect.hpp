// Looking at a lane's directory without changing it: what `fluxrig wal ls|cat|verify DIR` prints. Takes no
// lock: a rack may be at work in it, so bytes that are not finished at the very end are no fault. For cat,
// use a Cursor without a limit. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "wal/receipts.hpp"
#include "wal/segment_scan.hpp"

namespace fluxrig::wal {

struct SegmentSummary {
  SegmentScan scan;
  std::uint64_t receipted = 0;  // of its records
};

// In order; reads every byte. Calls `progress` (may be empty) with the bytes read so far and all there are.
using Progress = std::function<void(std::uint64_t done, std::uint64_t all)>;
[[nodiscard]] Result<std::vector<SegmentSummary>> summarize(Disk& disk, const std::string& directory,
                                                            const Progress& progress = {});

struct Verification {
  std::uint64_t segments = 0;
  std::uint64_t epochs = 0;
  std::uint64_t blocks = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  // Unfinished bytes after the last frame of the last segment: a crash, or a writer at work; a start cuts
  // them.
  std::uint64_t torn_bytes = 0;
  std::string torn_file;
  std::uint64_t torn_offset = 0;
  // In order, the first kMaxFindings: file, offset, epoch, the first bad sequence, what is wrong.
  std::vector<Damage> findings;
  std::uint64_t finding_count = 0;

  static constexpr std::size_t kMaxFindings = 100;
  [[nodiscard]] bool good() const noexcept { return finding_count == 0; }
};

// Checksums, chain of previous hashes, sequences without a gap, seals, links between segments and between
// epochs. A range that is missing between two segments is no finding when all of it has receipts.
[[nodiscard]] Result<Verification> verify(Disk& disk, const std::string& directory,
                                          const Progress& progress = {});

}  // namespace fluxrig::wal
