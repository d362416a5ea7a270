// One flipped bit in a file of a lane's directory: a segment, the receipts, the epoch. Says what it hit, so
// that exactly this may be missing afterwards, and must be named. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "sim/oracle.hpp"
#include "wal/memory_disk.hpp"
#include "wal/segment_name.hpp"

namespace fluxrig::sim {

struct BitRot {
  std::string directory;
  std::string file;
  std::uint64_t offset = 0;
  std::optional<wal::SegmentName> segment;  // nullopt: receipts or epoch
  // The block that was hit; last = first - 1: one without records, or none.
  Sequence first;
  Sequence last;
  std::uint64_t frame = 0;            // its offset
  std::vector<Execution> executions;  // of its records, lane audit
  std::vector<Execution> messages;    // of its records, lane spool
  bool named = false;                 // by a start that cut it
};

// Whether the file `epoch` may be hit. Once is survived; of a second time within seconds, while a full disk
// keeps no other trace of what was used in between, docs/adr/0009-epochs-are-seconds.md says what it costs.
enum class EpochFile : std::uint8_t { kMayRot, kSpared };

// nullopt: the directory holds nothing to flip.
[[nodiscard]] std::optional<BitRot> flip_bit(wal::MemoryDisk& disk, const std::string& directory,
                                             EpochFile epoch, Random& random);

}  // namespace fluxrig::sim
