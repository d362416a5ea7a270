// The clock of one process: monotonic time that began at its start, and a wall clock that the operator may
// set. Follows the simulation's clock, which outlives it. One thread.
#pragma once

#include "base/clock.hpp"

namespace fluxrig::sim {

class ActorClock final : public Clock {
 public:
  ActorClock(const Clock& world, std::int64_t wall_offset)
      : world_(world), start_(world.monotonic().value), wall_offset_(wall_offset) {}

  [[nodiscard]] UnixNanos now() const noexcept override { return {world_.now().value + wall_offset_}; }
  [[nodiscard]] MonotonicNanos monotonic() const noexcept override {
    return {world_.monotonic().value - start_ + kUptime};
  }
  void jump(std::int64_t nanos) noexcept { wall_offset_ += nanos; }

 private:
  // A host has run for a while when a process starts on it.
  static constexpr std::int64_t kUptime = 1000 * kNanosPerSecond;

  const Clock& world_;
  std::int64_t start_;
  std::int64_t wall_offset_;
};

}  // namespace fluxrig::sim
