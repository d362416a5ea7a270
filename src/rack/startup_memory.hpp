// Gives back what only the start of a process needed. Reading a scenario, OpenSSL's set-up and a TLS
// handshake run through megabytes of program text once; its pages stay mapped, and count as resident, for as
// long as nobody needs the room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace fluxrig::rack {

struct Mapping {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  friend bool operator==(const Mapping&, const Mapping&) = default;
};

// The mappings in `smaps` (proc(5), /proc/PID/smaps) that hold pages of files as they are on disk: not
// writable, nothing in them changed. Only those may be dropped and come back as they were.
[[nodiscard]] std::vector<Mapping> clean_file_mappings(std::string_view smaps);

// Unmaps the pages of this process's clean file mappings (madvise(2), MADV_DONTNEED): the next use of one is
// a minor fault, about half a microsecond, as long as the page cache has it. Returns free heap to the system
// as well. Any thread; other threads may run meanwhile. Returns the resident bytes before less those after, 0
// where /proc does not tell.
std::size_t release_startup_memory();

}  // namespace fluxrig::rack
