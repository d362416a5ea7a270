// How much telemetry may be under way, and in which pieces, so that a business message on the same connection
// never waits behind a pile of it. A delay-based congestion window after LEDBAT (RFC 6817): it grows while
// acknowledgements come as fast as on an empty link, and shrinks as soon as they queue for longer than the
// target, long before TCP would notice. Adapted to messages that a server stores and acknowledges:
//  - the queueing delay is measured against a base delay by size (BaseDelay), and the minimum of the last few
//    samples within one round trip counts: a server that syncs its disk delays some, a queue delays all;
//  - a path that varies by itself, as a radio link or a busy machine does, is no queue of ours: what messages
//    are late with too little before them for a queue is allowed to all;
//  - a path that became longer, as on a machine that became busy, is believed once messages alone on it are
//    late one after the other;
//  - chunks are as large as the link carries in the target time: one occupies it for no longer, and a
//    second one waits behind it at most;
//  - where delays tell little, a larger window is tried for three round trips, and stays where nothing waits
//    for it (WindowPush);
//  - sending is paced over the round trip, and below one chunk for each it goes on, slower; a sender that
//    wakes late makes up for it;
//  - decreases are proportional (as in LEDBAT++), and from time to time the link is left empty for a
//    round trip, so that the base delay stays true while a backlog drains for hours.
// One thread; time is passed in.
#pragma once

#include <array>
#include <cstdint>

#include "base/clock.hpp"
#include "pressure/base_delay.hpp"
#include "pressure/delivery_rate.hpp"
#include "pressure/window_push.hpp"

namespace fluxrig::pressure {

class TunnelWindow {
 public:
  struct Options {
    std::int64_t least_target = 3 * kNanosPerMilli;
    double target_share = 0.05;  // of the base round trip; the larger of the two is the target
    std::uint64_t least_chunk = 1U << 10;
    std::uint64_t largest_chunk = 24U << 10;
    std::uint64_t largest_window = 8U << 20;
    std::int64_t probe_every = 20 * kNanosPerSecond;  // leave the link empty, unless it was so of itself
  };
  // Belongs to one message in flight; give it back with its outcome, once. Worthless after `disconnected`.
  struct Ticket {
    std::uint64_t bytes = 0;
    MonotonicNanos sent_at;
    DeliveryRate::Mark mark;
    std::uint32_t connection = 0;
    bool alone = false;     // nothing else was in flight
    bool unqueued = false;  // what was in flight could not make a queue
  };

  explicit TunnelWindow(Options options);

  // How large the next message should be: fill it up to this. A single block that is larger may be sent too.
  [[nodiscard]] std::uint64_t chunk_bytes() const noexcept { return chunk_; }
  // `early`, ns: so much before its turn it may go.
  [[nodiscard]] bool may_send(std::uint64_t bytes, MonotonicNanos now, std::int64_t early = 0) noexcept;
  // When pacing lets the next one go; the window itself opens only by an outcome.
  [[nodiscard]] MonotonicNanos next_send() const noexcept { return next_send_; }
  // The smallest chunk occupies the link for longer than its part of the target: two that leave at once are
  // met by a business message, so each is to leave when its turn comes, and neither before nor long after.
  [[nodiscard]] bool narrow() const noexcept { return chunk_ <= options_.least_chunk; }

  [[nodiscard]] Ticket sent(std::uint64_t bytes, MonotonicNanos now);
  void acknowledged(const Ticket& ticket, MonotonicNanos now);
  // Timed out, or lost with a connection: nothing is known of its delay. An answer that says no is an
  // acknowledgement all the same.
  void failed(const Ticket& ticket, MonotonicNanos now);
  // A message of another lane (P0) was acknowledged after so long: it met the same queue.
  void observe(std::uint64_t bytes, std::int64_t delay_nanos, MonotonicNanos now);
  // The connection is gone, and what was in flight with it; the next one may take another path.
  void disconnected() noexcept;

  [[nodiscard]] std::uint64_t window_bytes() const noexcept { return static_cast<std::uint64_t>(window_); }
  [[nodiscard]] std::uint64_t in_flight_bytes() const noexcept { return in_flight_; }
  [[nodiscard]] std::uint64_t in_flight_messages() const noexcept { return messages_; }
  [[nodiscard]] std::int64_t target_nanos() const noexcept { return target_; }
  // What an acknowledgement takes on the empty link; 0: not known.
  [[nodiscard]] std::int64_t base_nanos() const noexcept { return base_delay_.least().value_or(0); }
  // What a message is late on average although what is in flight makes no queue; bounded.
  [[nodiscard]] std::int64_t noise_nanos() const noexcept { return noise_; }
  // What the queue adds now; 0: nothing, or not known.
  [[nodiscard]] std::int64_t queueing_nanos() const noexcept { return queueing_; }
  [[nodiscard]] std::int64_t round_trip_nanos() const noexcept { return round_trip_; }  // smoothed
  [[nodiscard]] std::uint64_t delivered_bytes_per_s() const noexcept;

 private:
  struct Sample {
    std::int64_t queueing = 0;
    MonotonicNanos at;
  };
  static constexpr std::size_t kFilter = 4;  // samples

  // Both return the queueing delay: measure() of the sample, filtered() of the least of the last few.
  std::int64_t measure(std::uint64_t bytes, std::int64_t delay, MonotonicNanos now);
  [[nodiscard]] std::int64_t filtered(MonotonicNanos now) const noexcept;
  void choose_sizes() noexcept;
  void grow(double bytes, double room) noexcept;
  void shrink(double bytes, double excess) noexcept;
  void leave_slow_start() noexcept;
  [[nodiscard]] bool may_push(MonotonicNanos now) const noexcept;
  void follow_push(const WindowPush::Sample& sample, MonotonicNanos now) noexcept;
  void watch_base(bool alone, std::int64_t queueing, MonotonicNanos now) noexcept;
  void pace(std::uint64_t bytes, MonotonicNanos now) noexcept;
  bool release(const Ticket& ticket) noexcept;
  [[nodiscard]] double usable() const noexcept;
  [[nodiscard]] bool has_room(std::uint64_t bytes, MonotonicNanos now) const noexcept;
  [[nodiscard]] bool was_used(double in_flight, MonotonicNanos now) const noexcept;
  [[nodiscard]] bool makes_no_queue(MonotonicNanos now) const;
  // There were messages of another lane lately.
  [[nodiscard]] bool business() const noexcept;
  // Half of the target: the one for the queue, the other for the chunk on the link.
  [[nodiscard]] std::int64_t queue_target() const noexcept { return target_ / 2; }
  // What waits before the link may take so long.
  [[nodiscard]] double queue_part() const noexcept;

  Options options_;
  BaseDelay base_delay_;
  DeliveryRate rate_;
  std::array<Sample, kFilter> samples_{};
  std::size_t sample_ = 0;
  std::int64_t queueing_ = 0;
  std::int64_t noise_ = 0;
  std::int64_t late_ = 0;  // how late the sender uses its turn on average, when something waits
  std::int64_t target_;
  std::int64_t round_trip_ = 0;
  std::uint64_t chunk_;
  double window_;
  double slow_start_until_;
  std::uint64_t in_flight_ = 0;
  std::uint64_t messages_ = 0;
  std::uint32_t connection_ = 0;
  MonotonicNanos next_send_;
  MonotonicNanos last_sent_;
  MonotonicNanos observed_at_;  // a message of another lane
  MonotonicNanos refused_at_;   // by may_send: there was more to send
  bool pace_refused_ = false;   // and it was the pace that refused
  MonotonicNanos halved_at_;
  MonotonicNanos base_seen_;  // the base delay was met, or the link was seen empty
  bool probing_ = false;
  MonotonicNanos probed_at_;
  WindowPush push_;
};

}  // namespace fluxrig::pressure
