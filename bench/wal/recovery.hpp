// How fast a rack is back: a lane's directory of a given size, left as a crash leaves it and out of the page
// cache, is opened, and its backlog read as the shipper reads it.
#pragma once

#include <cstdint>
#include <string>

namespace fluxrig::bench {

struct Recovery {
  std::uint64_t bytes = 0;  // of frames: what was read
  std::uint64_t records = 0;
  double open_seconds = 0;  // Writer::open: recovery, new epoch, first segment
  double read_seconds = 0;  // Cursor over all of it: checksums, structure, sequences
};

[[nodiscard]] Recovery run_recovery(const std::string& directory, std::uint64_t bytes,
                                    const std::string& record);

}  // namespace fluxrig::bench
