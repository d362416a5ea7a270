#include "pressure/replay_pace.hpp"

#include <algorithm>
#include <cmath>

namespace fluxrig::pressure {
namespace {

// So often the ramp is looked at while a chunk waits for it.
constexpr std::int64_t kRampStep = 250 * kNanosPerMilli;
constexpr double kLeastRate = 1.0;  // bytes per second; below, no estimate is worth its name

}  // namespace

ReplayPace::ReplayPace(Random& random, MonotonicNanos now, Options options)
    : random_(random), options_(options), bucket_(0, options.burst_bytes, now), recent_at_(now) {
  bucket_.empty(now);
}

void ReplayPace::set_budget(std::optional<std::uint64_t> bytes_per_s, MonotonicNanos now) {
  budget_ = bytes_per_s;
  start_or_stop(now);
}

void ReplayPace::resume(MonotonicNanos now) {
  wanted_ = true;
  start_or_stop(now);
}

void ReplayPace::pause(MonotonicNanos now) {
  wanted_ = false;
  start_or_stop(now);
}

bool ReplayPace::take(std::uint64_t bytes, MonotonicNanos now) {
  if (!started_ || now < *started_ || now < slot_) return false;
  follow_ramp(now);
  if (!bucket_.take(bytes, now)) return false;
  forget(now);
  recent_bytes_ += static_cast<double>(bytes);
  // Only ever later, by up to half a chunk's own time: the bucket makes up for it, and its burst bounds that.
  const auto interval = static_cast<std::uint64_t>(bucket_.ready_at(bytes, now).value - now.value);
  slot_ = {now.value + static_cast<std::int64_t>(random_.below(interval / 2 + 1))};
  return true;
}

std::optional<MonotonicNanos> ReplayPace::next_at(std::uint64_t bytes, MonotonicNanos now) {
  if (!started_) return std::nullopt;
  if (now < *started_) return started_;
  follow_ramp(now);
  std::int64_t at = std::max(bucket_.ready_at(bytes, now).value, slot_.value);
  if (now.value - started_->value < options_.ramp) at = std::min(at, now.value + kRampStep);
  return MonotonicNanos{std::max(at, now.value)};
}

std::uint64_t ReplayPace::rate(MonotonicNanos now) const {
  const double window = static_cast<double>(options_.rate_window);
  const double faded = recent_bytes_ * std::exp(-static_cast<double>(now.value - recent_at_.value) / window);
  return static_cast<std::uint64_t>(faded / (window / kNanosPerSecond));
}

std::optional<std::uint64_t> ReplayPace::seconds_left(std::uint64_t backlog_bytes, MonotonicNanos now) const {
  if (!started_ || now.value - started_->value < options_.ramp) return std::nullopt;
  const auto measured = static_cast<double>(rate(now));
  if (measured < kLeastRate) return std::nullopt;
  return static_cast<std::uint64_t>(std::ceil(static_cast<double>(backlog_bytes) / measured));
}

void ReplayPace::start_or_stop(MonotonicNanos now) {
  const bool runs = wanted_ && budget() > 0;
  if (!runs) {
    started_.reset();
    bucket_.set_rate(0, now);
  } else if (!started_) {
    // A thousand racks that see the pressure go at the same moment begin at different ones.
    const auto spread = static_cast<std::uint64_t>(options_.longest_start);
    started_ = MonotonicNanos{now.value + static_cast<std::int64_t>(random_.below(spread + 1))};
    slot_ = *started_;
    bucket_.empty(now);
    bucket_.set_rate(0, now);
  } else {
    follow_ramp(now);
  }
}

// What the bucket earned until now it earned at the earlier, smaller rate: never above the ramp.
void ReplayPace::follow_ramp(MonotonicNanos now) {
  if (!started_ || now < *started_) return;
  const double since = static_cast<double>(now.value - started_->value);
  const double share =
      options_.first_share + (1.0 - options_.first_share) * since / static_cast<double>(options_.ramp);
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(budget()) * std::min(share, 1.0));
  bucket_.set_rate(std::max<std::uint64_t>(rate, 1), now);
}

void ReplayPace::forget(MonotonicNanos now) {
  const auto since = static_cast<double>(std::max<std::int64_t>(now.value - recent_at_.value, 0));
  recent_bytes_ *= std::exp(-since / static_cast<double>(options_.rate_window));
  recent_at_ = now;
}

}  // namespace fluxrig::pressure
