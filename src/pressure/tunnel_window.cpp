#include "pressure/tunnel_window.hpp"

#include <algorithm>
#include <utility>

namespace fluxrig::pressure {
namespace {

constexpr std::uint64_t kFirstChunks = 2;  // the window at first and after a silence
constexpr double kLeastShare =
    0.25;  // of the least chunk: the smallest window, one chunk in four round trips
constexpr double kSlowStartEnds = 0.75;   // of the queue's part, as in LEDBAT++
constexpr double kDecrease = 0.25;        // of the window a round trip, at a queue of twice its part
constexpr double kLargestDecrease = 0.5;  // a round trip
constexpr double kSlowStartGain = 2;      // of the pace over window / round trip
constexpr double kGain = 1.25;
constexpr double kLateSender = 2;  // a window is used that is no larger than so many times what is in flight
constexpr double kEmpty = 0.25;    // of the queue's part: it is as good as empty
// The part of the noise that a sample moves, and the most that is believed: a queue that others make is not
// to be outbid.
constexpr std::int64_t kNoiseMemory = 8;
constexpr std::int64_t kMostNoise = 25 * kNanosPerMilli;
constexpr std::int64_t kBusinessLately = 10 * kNanosPerSecond;
constexpr std::int64_t kRateRoundTrips = 10;  // so many the recent rate remembers
constexpr std::int64_t kLeastRateWindow = 200 * kNanosPerMilli;
constexpr std::int64_t kProbeRoundTrips = 50;  // not more often: what it costs stays under a twentieth
// On a link faster than this the noise of a server or a timer spans several round trips.
constexpr std::int64_t kFilterAge = 25 * kNanosPerMilli;
constexpr std::int64_t kSilence = kNanosPerSecond;
constexpr std::int64_t kLongestPause =
    2 * kNanosPerSecond;  // no pace is slower than one message in this time

}  // namespace

TunnelWindow::TunnelWindow(Options options)
    : options_(options),
      target_(options.least_target),
      chunk_(options.least_chunk),
      window_(static_cast<double>(kFirstChunks * options.least_chunk)),
      slow_start_until_(static_cast<double>(options.largest_window)) {}

bool TunnelWindow::may_send(std::uint64_t bytes, MonotonicNanos now, std::int64_t early) noexcept {
  const MonotonicNanos at{now.value + early};
  if (!has_room(bytes, at)) {
    refused_at_ = now;
    pace_refused_ = at < next_send_;
    return false;
  }
  // How late the caller is by itself: what it waits for afterwards, its budget, is not to be made up for.
  if (std::exchange(pace_refused_, false)) {
    const std::int64_t late = std::clamp<std::int64_t>(now.value - next_send_.value, 0, kMostNoise);
    late_ += (late - late_) / kNoiseMemory;
  }
  return true;
}

bool TunnelWindow::has_room(std::uint64_t bytes, MonotonicNanos now) const noexcept {
  if (now < next_send_) return false;
  // Alone it always goes, whatever its size: a window below one chunk is kept by the pace. One that is larger
  // than a chunk goes where a chunk would: beside a steady flow of small ones it would wait for ever.
  return in_flight_ == 0 || static_cast<double>(in_flight_ + std::min(bytes, chunk_)) <= usable();
}

TunnelWindow::Ticket TunnelWindow::sent(std::uint64_t bytes, MonotonicNanos now) {
  const bool alone = messages_ == 0;
  if (alone && now.value - last_sent_.value > std::max(kSilence, 4 * round_trip_)) {
    // What the link could carry then it may not carry now: find the way back fast, but find it.
    slow_start_until_ = std::max(slow_start_until_, window_);
    window_ = std::min(window_, static_cast<double>(kFirstChunks * chunk_));
    base_seen_ = now;
  }
  const Ticket ticket{bytes, now, rate_.sent(alone, now), connection_, alone, alone || makes_no_queue(now)};
  in_flight_ += bytes;
  ++messages_;
  last_sent_ = now;
  pace(bytes, now);
  return ticket;
}

void TunnelWindow::acknowledged(const Ticket& ticket, MonotonicNanos now) {
  const auto in_flight = static_cast<double>(in_flight_);
  if (!release(ticket)) return;
  const std::int64_t delay = std::max<std::int64_t>(now.value - ticket.sent_at.value, 1);
  round_trip_ = round_trip_ == 0 ? delay : round_trip_ + (delay - round_trip_) / 8;
  rate_.set_window(std::max(kRateRoundTrips * round_trip_, kLeastRateWindow));
  rate_.acknowledged(ticket.mark, ticket.bytes, ticket.sent_at, now);
  const std::int64_t queueing = measure(ticket.bytes, delay, now);
  if (ticket.alone &&
      base_delay_.was_alone(ticket.bytes, delay, static_cast<double>(queueing) > queue_part(), now)) {
    samples_ = {};
    queueing_ = 0;
  }
  if (ticket.unqueued) noise_ += (std::min(queueing, kMostNoise) - noise_) / kNoiseMemory;
  watch_base(ticket.alone, queueing, now);
  if (push_.under_way()) {
    follow_push({ticket.sent_at, queueing, queueing_, static_cast<std::int64_t>(queue_part()), in_flight,
                 rate_.recent(), round_trip_},
                now);
    choose_sizes();
    return;
  }
  if (ticket.sent_at < push_.ended_at()) return;  // it met the queue of the push
  const double ratio = static_cast<double>(queueing_) / queue_part();
  const auto bytes = static_cast<double>(ticket.bytes);
  if (may_push(now) && was_used(in_flight, now)) {
    window_ = push_.begin(window_, now);
  } else if (ratio > 1) {
    shrink(bytes, ratio - 1);
  } else if (window_ < slow_start_until_ && ratio > kSlowStartEnds) {
    leave_slow_start();
  } else if (was_used(in_flight, now)) {
    grow(bytes, 1 - ratio);
  }
  choose_sizes();
}

void TunnelWindow::failed(const Ticket& ticket, MonotonicNanos now) {
  if (!release(ticket)) return;
  // Many fail together: one decrease for a round trip of them.
  if (now.value - halved_at_.value < std::max(round_trip_, kLeastRateWindow)) return;
  halved_at_ = now;
  push_.abandon();
  window_ /= 2;
  slow_start_until_ = window_;
  choose_sizes();
}

void TunnelWindow::observe(std::uint64_t bytes, std::int64_t delay_nanos, MonotonicNanos now) {
  observed_at_ = now;
  const std::int64_t queueing = measure(bytes, std::max<std::int64_t>(delay_nanos, 1), now);
  watch_base(/*alone=*/false, queueing, now);
  const double ratio = static_cast<double>(queueing_) / queue_part();
  // It never opens the window: what is not ours says nothing about what more of ours would do.
  if (ratio > 1 && messages_ > 0 && !push_.under_way())
    shrink(static_cast<double>(std::min(bytes, chunk_)), ratio - 1);
  choose_sizes();
}

void TunnelWindow::disconnected() noexcept {
  ++connection_;
  in_flight_ = messages_ = 0;
  base_delay_.clear();
  rate_.clear();
  samples_ = {};
  queueing_ = round_trip_ = noise_ = late_ = 0;
  next_send_ = {};
  probing_ = false;
  push_ = {};
  observed_at_ = {};
  target_ = options_.least_target;
  chunk_ = options_.least_chunk;
  window_ = static_cast<double>(kFirstChunks * options_.least_chunk);
  slow_start_until_ = static_cast<double>(options_.largest_window);
}

std::uint64_t TunnelWindow::delivered_bytes_per_s() const noexcept {
  return static_cast<std::uint64_t>(rate_.recent());
}

std::int64_t TunnelWindow::measure(std::uint64_t bytes, std::int64_t delay, MonotonicNanos now) {
  base_delay_.add(bytes, delay, now);
  const std::int64_t expected = base_delay_.expected(bytes, rate_.highest()).value_or(delay);
  const std::int64_t queueing = std::max<std::int64_t>(delay - expected, 0);
  samples_[sample_++ % kFilter] = {queueing, now};
  queueing_ = filtered(now);
  return queueing;
}

// Older than a round trip a sample says nothing about the queue of now.
std::int64_t TunnelWindow::filtered(MonotonicNanos now) const noexcept {
  const std::int64_t age = std::max(round_trip_, kFilterAge);
  std::int64_t least = samples_[(sample_ - 1) % kFilter].queueing;
  for (const auto& sample : samples_)
    if (sample.at.value != 0 && now.value - sample.at.value <= age) least = std::min(least, sample.queueing);
  return least;
}

void TunnelWindow::choose_sizes() noexcept {
  const auto base = static_cast<double>(base_delay_.least().value_or(0));
  target_ = std::max(options_.least_target, static_cast<std::int64_t>(options_.target_share * base));
  const double carried = rate_.recent() * static_cast<double>(queue_target()) / kNanosPerSecond;
  chunk_ = std::clamp(static_cast<std::uint64_t>(carried), options_.least_chunk, options_.largest_chunk);
  window_ = std::clamp(window_, kLeastShare * static_cast<double>(options_.least_chunk),
                       static_cast<double>(options_.largest_window));
}

void TunnelWindow::grow(double bytes, double room) noexcept {
  if (window_ < slow_start_until_)
    window_ += bytes;
  else
    window_ += room * bytes * std::min(static_cast<double>(chunk_) / window_, 1.0);
}

void TunnelWindow::shrink(double bytes, double excess) noexcept {
  window_ -= std::min(bytes, window_) * std::min(kDecrease * excess, kLargestDecrease);
  slow_start_until_ = window_;
}

// A round trip passes before a queue is seen, and slow start doubles meanwhile: go back to what was
// delivered.
void TunnelWindow::leave_slow_start() noexcept {
  const auto base = static_cast<double>(base_delay_.least().value_or(0)) + queue_part();
  const double carried = rate_.recent() * base / kNanosPerSecond;
  window_ = std::min(window_, std::max(carried, static_cast<double>(kFirstChunks * chunk_)));
  slow_start_until_ = window_;
}

// Not where it would be less than one chunk.
bool TunnelWindow::may_push(MonotonicNanos now) const noexcept {
  return window_ >= slow_start_until_ && !probing_ && push_.may_begin(now) &&
         WindowPush::kPart * window_ >= static_cast<double>(chunk_);
}

void TunnelWindow::follow_push(const WindowPush::Sample& sample, MonotonicNanos now) noexcept {
  push_.beside_business(business());
  const auto verdict = push_.follow(sample, now);
  if (verdict == WindowPush::Verdict::kUnderWay) return;
  if (verdict == WindowPush::Verdict::kHelped)
    noise_ = std::max(noise_, std::min(push_.spread(), kMostNoise));
  else
    window_ = push_.window_before();
  // What was taken for noise may have been a queue.
  if (verdict == WindowPush::Verdict::kQueued) noise_ /= 2;
  slow_start_until_ = window_;
}

void TunnelWindow::watch_base(bool alone, std::int64_t queueing, MonotonicNanos now) noexcept {
  if (alone || static_cast<double>(queueing) < kEmpty * queue_part()) {
    base_seen_ = now;
    if (std::exchange(probing_, false)) probed_at_ = now;
  } else if (now.value - base_seen_.value > std::max(options_.probe_every, kProbeRoundTrips * round_trip_)) {
    probing_ = true;
  }
}

void TunnelWindow::pace(std::uint64_t bytes, MonotonicNanos now) noexcept {
  if (round_trip_ == 0) return;
  const double gain = window_ < static_cast<double>(chunk_) ? 1
                      : window_ < slow_start_until_         ? kSlowStartGain
                                                            : kGain;
  const double interval = static_cast<double>(bytes) * static_cast<double>(round_trip_) / (gain * window_);
  // A caller that wakes late may make up for as much as it is late on average, at least for what occupies the
  // link for a chunk's part of the target.
  const std::int64_t from = std::max(next_send_.value, now.value - std::max(queue_target(), late_));
  const auto longest = std::max(kLongestPause, round_trip_);
  next_send_ = {from + std::min(static_cast<std::int64_t>(interval), longest)};
}

bool TunnelWindow::release(const Ticket& ticket) noexcept {
  if (ticket.connection != connection_) return false;
  in_flight_ -= std::min(ticket.bytes, in_flight_);
  messages_ -= messages_ > 0 ? 1 : 0;
  return true;
}

// Only a window that was used may grow: an idle one says nothing about the link. A sender that wakes late, on
// a busy machine, does not fill what its pace allows; what it has waiting tells that it would.
bool TunnelWindow::was_used(double in_flight, MonotonicNanos now) const noexcept {
  if (in_flight + static_cast<double>(chunk_) >= window_) return true;
  return refused_at_.value != 0 && now.value - refused_at_.value <= round_trip_ &&
         kLateSender * in_flight >= window_;
}

// Half of what the link is known to take within the empty round trip: the rate may be told too high.
bool TunnelWindow::makes_no_queue(MonotonicNanos now) const {
  // After a probe the whole window leaves at once.
  if (now.value - probed_at_.value < 2 * round_trip_) return false;
  const auto base = static_cast<double>(base_delay_.least().value_or(0));
  return static_cast<double>(in_flight_) <= rate_.recent() * base / kNanosPerSecond / 2;
}

bool TunnelWindow::business() const noexcept {
  return observed_at_.value != 0 && last_sent_.value - observed_at_.value < kBusinessLately;
}

// Business messages look like noise as well, and are not to be late for it: where they meet what it lets
// wait, half of it is believed.
double TunnelWindow::queue_part() const noexcept {
  const std::int64_t more = std::max<std::int64_t>(noise_ - queue_target(), 0);
  return static_cast<double>(queue_target() + (business() ? more / 2 : more));
}

double TunnelWindow::usable() const noexcept {
  return probing_ && !push_.under_way() ? std::min(window_, static_cast<double>(chunk_)) : window_;
}

}  // namespace fluxrig::pressure
