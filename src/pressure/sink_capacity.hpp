// How many bytes a second the mixer's store takes, learnt from what it really takes: grows additively while
// the store keeps up and is used, shrinks multiplicatively when it does not. The measure is the part of the
// time that it is busy, so the estimate settles where the store is busy but not full, before any queue forms.
// Pure; one thread.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.hpp"

namespace fluxrig::pressure {

// What the store did since the last round.
struct SinkRound {
  MonotonicNanos now;
  std::uint64_t taken_bytes = 0;  // committed, live and replayed
  std::int64_t busy_nanos = 0;    // spent in commits, those that failed included
  // Of its batches, on average, 0 to 1. A commit costs time however small its batch: only full batches say
  // that it is the bytes that keep the store busy.
  double batch_fill = 1;
  std::uint8_t level = 0;  // the sensor's
};

class SinkCapacity {
 public:
  struct Options {
    std::uint64_t first = 512U << 10;  // bytes/s, until more is known
    std::uint64_t least = 64U << 10;
    std::uint64_t most = 1ULL << 30;
    std::uint64_t growth = 256U << 10;  // bytes/s more in each second
    double fastest_growth = 0.05;       // and at most this part of itself
    double shrink = 0.7;
    std::int64_t settle = 5 * kNanosPerSecond;  // between two steps down: the first one must show first
    double keeps_up = 0.7;                      // busy for less than this part of the time: may grow
    double too_busy = 0.9;
    double used = 0.5;                               // less than this part of it: it proves nothing
    std::int64_t half_life = 120 * kNanosPerSecond;  // of an estimate that is not used
  };
  explicit SinkCapacity(Options options) : options_(options), estimate_(static_cast<double>(options.first)) {}

  void observe(const SinkRound& round);
  [[nodiscard]] std::uint64_t bytes_per_s() const noexcept { return static_cast<std::uint64_t>(estimate_); }

 private:
  void shrink(MonotonicNanos now);

  Options options_;
  double estimate_;
  std::optional<MonotonicNanos> last_;
  std::optional<MonotonicNanos> shrunk_;
  std::uint8_t level_ = 0;
};

}  // namespace fluxrig::pressure
