// What a start finds in a lane's directory, and what it repairs: the torn tail of the last segment is cut, a
// recovery block says so, and the segment is sealed. Nothing else is ever changed. One thread; the caller
// holds the lock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "wal/control_body.hpp"
#include "wal/disk.hpp"
#include "wal/epoch_choice.hpp"
#include "wal/segment_scan.hpp"

namespace fluxrig::wal {

struct Recovered {
  Epoch epoch;                    // the new one
  std::optional<Epoch> before;    // of the start before; 0: there was none; nullopt: not known
  std::optional<EpochLink> link;  // where the one before it ended
  std::size_t segments = 0;       // found
  std::uint64_t bytes = 0;
  std::uint64_t cut_bytes = 0;  // 0: the last segment ended whole
  std::string cut_file;
  std::uint64_t cut_offset = 0;
  std::vector<Damage> damages;  // of the segments that were read: for the operator, nothing was changed
  bool epoch_file_damaged = false;
  std::optional<Error>
      seal_error;  // disk full: the last segment could not be sealed; it is only read from now on
  std::optional<Error> segment_error;  // no segment could be made (disk full): append tries again
};

// A segment that is no longer written.
struct ClosedSegment {
  SegmentName name;
  std::uint64_t file_bytes = 0;
  Sequence end;             // one more than its last record's
  bool exact = false;       // false: taken from the name of the segment after it
  bool damaged = false;     // its unreadable part is declared: renamed instead of deleted
  model::Hash judged = {};  // the mixer's head that was last compared with its blocks
  bool behind = true;       // and that head stands before its seal
};

struct Recovery {
  Recovered recovered;
  std::vector<ClosedSegment> segments;
  std::optional<MachineId> owner;
};

// recovered.epoch is chosen, not yet stored; of `epochs`, `floor` and `random` count.
[[nodiscard]] Result<Recovery> recover(Disk& disk, const Clock& clock, const std::string& directory,
                                       const EpochChoice& epochs = {});

}  // namespace fluxrig::wal
