#include "pressure/window_push.hpp"

#include <algorithm>
#include <limits>

namespace fluxrig::pressure {
namespace {

constexpr std::int64_t kRoundTrips = 3;  // filled in one, seen in the next
constexpr std::int64_t kLeastSamples = 4;
constexpr std::int64_t kFirstPause = 5 * kNanosPerSecond;
constexpr std::int64_t kLongestPause = 160 * kNanosPerSecond;
constexpr std::int64_t kPauseRoundTrips = 400;
constexpr std::int64_t kSparsePause = 3 * kNanosPerSecond;
constexpr std::int64_t kSparsePauseRoundTrips = 50;
// Three round trips with a queue are then too little of the time for one message in a hundred to meet it.
constexpr std::int64_t kBusinessPauseRoundTrips = 1000;

}  // namespace

double WindowPush::begin(double window, MonotonicNanos now) noexcept {
  under_way_ = true;
  from_ = window;
  most_ = 0;
  began_ = now;
  least_ = std::numeric_limits<std::int64_t>::max();
  sum_ = samples_ = 0;
  return window * (1 + kPart);
}

WindowPush::Verdict WindowPush::follow(const Sample& sample, MonotonicNanos now) noexcept {
  most_ = std::max(most_, sample.in_flight);
  if (sample.sent_at.value >= began_.value + sample.round_trip_nanos) {
    least_ = std::min(least_, sample.queueing);
    sum_ += sample.queueing;
    ++samples_;
  }
  const Verdict verdict = judge(sample, now);
  if (verdict == Verdict::kUnderWay) return verdict;
  under_way_ = false;
  ended_ = now;
  std::int64_t pause = sample.round_trip_nanos;
  if (verdict == Verdict::kSparse)
    pause = std::max(kSparsePause, kSparsePauseRoundTrips * sample.round_trip_nanos);
  if (verdict == Verdict::kQueued) {
    pause = std::clamp(2 * pause_, kFirstPause, kLongestPause);
    pause_ = pause = std::max(pause, kPauseRoundTrips * sample.round_trip_nanos);
  }
  if (beside_business_ && verdict != Verdict::kHelped)
    pause = std::max(pause, kBusinessPauseRoundTrips * sample.round_trip_nanos);
  next_ = {now.value + pause};
  return verdict;
}

WindowPush::Verdict WindowPush::judge(const Sample& sample, MonotonicNanos now) const noexcept {
  const double more = kPart * from_;
  // So much longer all of it takes on a link that carries no more than before.
  const double longer = more / std::max(sample.bytes_per_s, 1.0) * kNanosPerSecond;
  if (static_cast<double>(sample.filtered - sample.allowed) > longer) return Verdict::kQueued;
  if (now.value - began_.value < kRoundTrips * sample.round_trip_nanos) return Verdict::kUnderWay;
  if (samples_ < kLeastSamples || most_ <= from_ + more / 2) return Verdict::kSparse;
  return static_cast<double>(least_) < longer / 2 ? Verdict::kHelped : Verdict::kQueued;
}

}  // namespace fluxrig::pressure
