// How fast the backlog trickles beside the live records: inside the mixer's budget, with jitter so that racks
// do not move in step, paused at once when pressure returns, and slowly at first after it clears. Counts what
// goes out, and says how long the rest will take. One thread; time and randomness are passed in.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "lane/token_bucket.hpp"

namespace fluxrig::pressure {

class ReplayPace {
 public:
  struct Options {
    std::uint64_t burst_bytes = 24U << 10;             // one chunk
    std::int64_t longest_start = 2 * kNanosPerSecond;  // the first chunk waits a random part of it
    std::int64_t ramp = 10 * kNanosPerSecond;          // from first_share of the budget to all of it
    double first_share = 0.125;
    std::int64_t rate_window = 10 * kNanosPerSecond;  // the measured rate's memory
    std::uint64_t unleased_bytes_per_s = 256U << 10;  // from a mixer that knows no leases
  };
  ReplayPace(Random& random, MonotonicNanos now, Options options);

  // The lease's replay_bytes_per_s: 0 pauses. nullopt: there is no lease, and unleased_bytes_per_s holds.
  void set_budget(std::optional<std::uint64_t> bytes_per_s, MonotonicNanos now);
  // The state is REPLAY, or no longer. Saying the same again does nothing.
  void resume(MonotonicNanos now);
  void pause(MonotonicNanos now);

  // True: paid for; send it. More than the burst passes alone and is paid off afterwards.
  [[nodiscard]] bool take(std::uint64_t bytes, MonotonicNanos now);
  // When to ask again, at the latest; nullopt: not before a budget or a resume. Not earlier than `now`.
  [[nodiscard]] std::optional<MonotonicNanos> next_at(std::uint64_t bytes, MonotonicNanos now);

  [[nodiscard]] bool paused() const noexcept { return !started_; }
  // Bytes per second that went out of late.
  [[nodiscard]] std::uint64_t rate(MonotonicNanos now) const;
  // Of a backlog of so many bytes at that rate; nullopt: paused, or too early to say.
  [[nodiscard]] std::optional<std::uint64_t> seconds_left(std::uint64_t backlog_bytes,
                                                          MonotonicNanos now) const;

 private:
  [[nodiscard]] std::uint64_t budget() const noexcept {
    return budget_.value_or(options_.unleased_bytes_per_s);
  }
  void start_or_stop(MonotonicNanos now);
  void follow_ramp(MonotonicNanos now);
  void forget(MonotonicNanos now);

  Random& random_;
  Options options_;
  std::optional<std::uint64_t> budget_;
  bool wanted_ = false;                    // resumed and not paused
  std::optional<MonotonicNanos> started_;  // sending from here on; nullopt: paused
  MonotonicNanos slot_;                    // jitter: nothing goes before
  lane::TokenBucket bucket_;
  double recent_bytes_ = 0;  // sent, each byte fading with rate_window
  MonotonicNanos recent_at_;
};

}  // namespace fluxrig::pressure
