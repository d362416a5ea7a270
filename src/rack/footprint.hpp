// What this process takes of its machine, from /proc. Any thread.
#pragma once

#include <cstdint>

namespace fluxrig::rack {

struct Footprint {
  std::uint64_t resident_bytes = 0;    // VmRSS: shared library pages included
  std::uint64_t high_water_bytes = 0;  // VmHWM
  std::uint64_t cpu_micros = 0;        // user and system, all threads
  std::uint32_t threads = 0;
};

// Zeros where /proc does not say.
[[nodiscard]] Footprint read_footprint() noexcept;

}  // namespace fluxrig::rack
