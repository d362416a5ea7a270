// With `durability: interval` a reply leaves before its record is on disk. This keeps what a crash can then
// take to the replies of one interval, whatever the disk does: while an answered record of a whole interval
// ago is still not on disk, further replies wait for theirs, as with `commit`. One thread (the io thread).
#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include "base/clock.hpp"
#include "tap/ring.hpp"

namespace fluxrig::rack {

class LossWindow {
 public:
  // More answered records than this are never at risk at once.
  static constexpr std::size_t kMaxAtRisk = 65'536;

  explicit LossWindow(std::int64_t nanos) noexcept : nanos_(nanos) {}

  // The record that ends at `record` is in the ring, and everything up to `durable` is on disk. True: its
  // reply may leave now, and the record is at risk until it is durable. False: the reply waits for the disk.
  [[nodiscard]] bool admits(tap::RingPosition record, tap::RingPosition durable, MonotonicNanos now);

  [[nodiscard]] std::size_t at_risk() const noexcept { return at_risk_.size(); }
  // The longest time, in nanoseconds, between the first and the last reply that were at risk together: under
  // the window, always.
  [[nodiscard]] std::int64_t widest() const noexcept { return widest_; }

 private:
  std::int64_t nanos_;
  std::int64_t widest_ = 0;
  std::deque<std::pair<tap::RingPosition, MonotonicNanos>> at_risk_;  // answered, oldest first
};

}  // namespace fluxrig::rack
