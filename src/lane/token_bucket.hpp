// A rate in bytes per second with a bounded burst, in whole numbers: over any time t no more than rate * t +
// burst passes, however often the rate is set anew. One thread; time is passed in.
#pragma once

#include <cstdint>

#include "base/clock.hpp"

namespace fluxrig::lane {

class TokenBucket {
 public:
  static constexpr std::uint64_t kMaxRate = 1ULL << 33;  // more is the same as this
  static constexpr std::uint64_t kMaxBurst = 1ULL << 32;

  // Full at first. A burst of 0 counts as 1.
  TokenBucket(std::uint64_t bytes_per_s, std::uint64_t burst_bytes, MonotonicNanos now);

  // What was earned so far is kept, up to the burst. 0: nothing is earned any more.
  void set_rate(std::uint64_t bytes_per_s, MonotonicNanos now);
  // As after a pause: what is left is thrown away.
  void empty(MonotonicNanos now);
  // True: paid for. More than the burst passes when the bucket is full, and the debt is paid off before the
  // next.
  [[nodiscard]] bool take(std::uint64_t bytes, MonotonicNanos now);
  // When `take(bytes)` will succeed with this rate; INT64_MAX: never.
  [[nodiscard]] MonotonicNanos ready_at(std::uint64_t bytes, MonotonicNanos now) const;

  [[nodiscard]] std::uint64_t rate() const noexcept { return rate_; }
  [[nodiscard]] std::uint64_t burst() const noexcept { return burst_; }

 private:
  void earn(MonotonicNanos now);
  [[nodiscard]] std::int64_t nanos_until(std::int64_t level) const;

  std::uint64_t rate_;
  std::uint64_t burst_;
  std::int64_t level_;           // bytes; below zero: a debt
  std::uint64_t remainder_ = 0;  // of a byte, in bytes * nanoseconds per second; under 1e9
  MonotonicNanos at_;            // up to here everything is earned
};

}  // namespace fluxrig::lane
