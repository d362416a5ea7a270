// Whether the tunnel itself is in trouble, whatever the mixer says: level 1 when acknowledgements take much
// longer than they used to or the connection keeps breaking, level 2 when nothing is acknowledged any more or
// it breaks all the time. The baseline moves: down within seconds, up within a minute, so that a path that
// became longer is the new normal and not a state for ever. One thread; time is passed in.
#pragma once

#include <array>
#include <cstdint>

#include "base/clock.hpp"
#include "pressure/state_machine.hpp"

namespace fluxrig::pressure {

class TunnelSensor {
 public:
  struct Options {
    // Slow: so many times the baseline and at least so much above it, for this long; over: below both leaves.
    double slow_times = 3, fine_times = 2;
    std::int64_t slow_above = 200 * kNanosPerMilli;
    std::int64_t fine_above = 100 * kNanosPerMilli;
    std::int64_t slow_after = 2 * kNanosPerSecond;
    // Stalled: something is in flight, and nothing came for so many times the baseline and at least so long.
    double stall_times = 8;
    std::int64_t stall_after = 3 * kNanosPerSecond;
    // What was in flight failed without any answer: so long it counts as stalled, then it is tried again; the
    // double after each failed trial, up to the longest.
    std::int64_t first_retry = 5 * kNanosPerSecond;
    std::int64_t longest_retry = 60 * kNanosPerSecond;
    // Losses of the connection within the last kRecent.
    std::uint32_t slow_losses = 3, stalled_losses = 6;
  };
  static constexpr std::int64_t kRecent = 30 * kNanosPerSecond;
  static constexpr std::int64_t kForgetSlow = 10 * kNanosPerSecond;  // without any acknowledgement

  explicit TunnelSensor(Options options) : options_(options) {}

  void sent(std::uint64_t bytes, MonotonicNanos now);
  // Any answer of the stream, yes or no.
  void acknowledged(std::uint64_t bytes, std::int64_t delay_nanos, MonotonicNanos now);
  // Timed out: no answer at all.
  void failed(std::uint64_t bytes, MonotonicNanos now);
  // A message of another lane (P0) was acknowledged after so long.
  void observe(std::int64_t delay_nanos, MonotonicNanos now);
  void disconnected(MonotonicNanos now);

  [[nodiscard]] TunnelReading read(MonotonicNanos now) const;
  // When the level may change by time alone: ask again within so long.
  static constexpr std::int64_t kReadEvery = 500 * kNanosPerMilli;

 private:
  static constexpr std::size_t kLosses = 8;  // remembered

  void learn(std::int64_t delay, MonotonicNanos now);
  [[nodiscard]] bool is_slow(MonotonicNanos now) const;
  [[nodiscard]] bool is_trying(MonotonicNanos now) const;
  [[nodiscard]] bool is_stalled(MonotonicNanos now) const;
  [[nodiscard]] std::uint32_t recent_losses(MonotonicNanos now) const;

  Options options_;
  double ack_ = 0;  // smoothed, nanoseconds; 0: not known
  double baseline_ = 0;
  MonotonicNanos learned_at_;
  MonotonicNanos slow_since_;               // with above_
  bool above_ = false;                      // more than slow_times, and not yet below fine_times
  std::uint64_t bytes_ = 0, messages_ = 0;  // in flight
  MonotonicNanos progress_;                 // an acknowledgement came, or the first message left
  std::int64_t retry_ = 0;                  // 0: the last that was in flight was answered
  MonotonicNanos failed_at_;
  std::array<MonotonicNanos, kLosses> losses_{};
  std::size_t loss_ = 0;
};

}  // namespace fluxrig::pressure
