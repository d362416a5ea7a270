// When a spool's messages go to the bus, and which: in order, in a window that opens while the stream
// acknowledges and closes to one at the first failure. A failure ends the round: what is in flight is waited
// for, then the oldest that is not acknowledged goes first, after a pause. One thread; no clock, socket or
// thread of its own.
//
// Order. One connection carries publishes in order, so what a broken round left in the stream is a first part
// of it, and the repetition (same names) repeats no first appearance out of order. Only a stream that refuses
// one message for lack of room and takes a later one of the same round could turn two around: after such a
// refusal the window stays at one until the spool is empty.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "lane/spool.hpp"

namespace fluxrig::lane {

class SpoolDrain {
 public:
  struct Options {
    std::size_t window = 64;  // 1: strictly one after the other
    std::int64_t first_pause_nanos = 250 * kNanosPerMilli;
    std::int64_t longest_pause_nanos = 10 * kNanosPerSecond;
  };
  SpoolDrain(Spool& spool, Random& random, Options options)
      : spool_(spool), random_(random), options_(options), pause_(options.first_pause_nanos) {}

  // What to publish now; nullopt: nothing at this moment. Each must be answered, once.
  [[nodiscard]] Result<std::optional<Spool::Item>> next(MonotonicNanos now);
  void stored(Spool::Position position);
  void failed(Error error, MonotonicNanos now);

  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
  [[nodiscard]] std::size_t window() const noexcept { return window_; }
  // The failure of the latest round; nullopt once something was stored again.
  [[nodiscard]] const std::optional<Error>& trouble() const noexcept { return trouble_; }
  // Nothing goes before.
  [[nodiscard]] MonotonicNanos resume_at() const noexcept { return resume_at_; }

 private:
  Spool& spool_;
  Random& random_;
  Options options_;
  std::size_t window_ = 1;
  std::size_t in_flight_ = 0;
  bool broken_ = false;  // this round failed
  bool narrow_ = false;  // the stream lacked room
  std::int64_t pause_;
  MonotonicNanos resume_at_;
  std::optional<Error> trouble_;
};

}  // namespace fluxrig::lane
