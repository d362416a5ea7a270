// How the store does, as ingest sees it: what it takes, how long it is busy, whether it fails. Written by the
// ingest thread, read by the pressure thread: any thread.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>

#include "base/clock.hpp"
#include "pressure/sink_capacity.hpp"

namespace fluxrig::mixer {

class SinkWatch {
 public:
  static constexpr std::size_t kCommits = 100;  // that the percentile looks back on
  // Of so many commits the slowest alone says nothing: a machine that stood still once is not slow.
  static constexpr std::size_t kForgiven = 10;
  static constexpr std::int64_t kCommitAge = 30 * kNanosPerSecond;  // and no further than that

  struct Batch {
    bool stored = false;
    std::uint64_t bytes = 0;
    double fill = 0;                  // of the batch's limits, 0 to 1
    std::int64_t handling_nanos = 0;  // decoding, before the commit
  };
  void began(MonotonicNanos now);  // a commit
  void ended(MonotonicNanos now, const Batch& batch);

  struct Figures {
    double failing_seconds = 0;     // since the first failure that no success followed
    std::int64_t commit_nanos = 0;  // the 99th percentile, or the commit that runs, if that takes longer
    double bytes_per_s = 0;         // while it was busy, over the last commits; 0: not known
  };
  [[nodiscard]] Figures figures(MonotonicNanos now) const;
  // Since the last call. The level is the caller's.
  [[nodiscard]] pressure::SinkRound take_round(MonotonicNanos now);

 private:
  struct Commit {
    MonotonicNanos at;
    std::int64_t nanos = 0;
    std::int64_t busy_nanos = 0;  // with the handling
    std::uint64_t bytes = 0;
  };

  mutable std::mutex mutex_;
  std::array<Commit, kCommits> commits_{};  // a ring
  std::uint64_t stored_ = 0;                // commits ever
  std::optional<MonotonicNanos> running_;
  std::optional<MonotonicNanos> failing_;
  pressure::SinkRound round_{};
  double fill_ = 0;  // sum over the round
  std::uint64_t batches_ = 0;
};

}  // namespace fluxrig::mixer
