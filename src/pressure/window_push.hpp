// What a larger window does to the delay, where the delay of one message says little because the path varies
// by itself: on a link that is the limit all that is more under way waits; on any other nothing changes. So
// the window is a quarter larger for three round trips, and then judged. What a push costs a link that is the
// limit is a queue of a quarter of a round trip for so long: each that fails doubles the pause. One thread;
// time is passed in.
#pragma once

#include <cstdint>

#include "base/clock.hpp"

namespace fluxrig::pressure {

class WindowPush {
 public:
  static constexpr double kPart = 0.25;  // of the window, on top of it

  // An acknowledgement while the push is under way.
  struct Sample {
    MonotonicNanos sent_at;
    std::int64_t queueing = 0;          // its own delay, ns
    std::int64_t filtered = 0;          // the least of the last few, ns
    std::int64_t allowed = 0;           // what may queue, ns
    double in_flight = 0;               // bytes, before it
    double bytes_per_s = 0;             // what the link delivers
    std::int64_t round_trip_nanos = 0;  // smoothed
  };
  enum class Verdict : std::uint8_t {
    kUnderWay,
    kHelped,  // the link carries more
    kQueued,  // the link is the limit
    kSparse,  // there was not enough to send
  };

  [[nodiscard]] bool under_way() const noexcept { return under_way_; }
  [[nodiscard]] bool may_begin(MonotonicNanos now) const noexcept { return !under_way_ && now >= next_; }
  // The window that is to be used until the verdict.
  [[nodiscard]] double begin(double window, MonotonicNanos now) noexcept;
  [[nodiscard]] Verdict follow(const Sample& sample, MonotonicNanos now) noexcept;
  // What it was, to go back to.
  [[nodiscard]] double window_before() const noexcept { return from_; }
  // How late messages were for more than the least of them, ns: after kHelped no queue was the reason.
  [[nodiscard]] std::int64_t spread() const noexcept { return samples_ == 0 ? 0 : sum_ / samples_ - least_; }
  // Beside business messages, which meet its queue: the next one not so soon, whatever the verdict is but
  // kHelped. Before `follow`.
  void beside_business(bool yes) noexcept { beside_business_ = yes; }
  // When the last one ended: what was sent before met its queue.
  [[nodiscard]] MonotonicNanos ended_at() const noexcept { return ended_; }
  // Without a verdict, and without a pause.
  void abandon() noexcept { under_way_ = false; }
  // The pause after the last one that failed; 0: none has.
  [[nodiscard]] std::int64_t pause_nanos() const noexcept { return pause_; }

 private:
  [[nodiscard]] Verdict judge(const Sample& sample, MonotonicNanos now) const noexcept;

  bool under_way_ = false;
  bool beside_business_ = false;
  double from_ = 0;
  double most_ = 0;  // bytes in flight
  MonotonicNanos began_, ended_, next_;
  // Queueing delays of what was sent when all of it was under way.
  std::int64_t least_ = 0, sum_ = 0, samples_ = 0;
  std::int64_t pause_ = 0;
};

}  // namespace fluxrig::pressure
