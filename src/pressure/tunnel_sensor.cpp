#include "pressure/tunnel_sensor.hpp"

#include <algorithm>

namespace fluxrig::pressure {
namespace {

constexpr double kSmoothing = 0.125;  // of each acknowledgement time, as in RFC 6298
constexpr double kDownNanos = 5.0 * kNanosPerSecond;
constexpr double kUpNanos = 60.0 * kNanosPerSecond;
// A sample after a silence counts for no longer than this: one of them must not move the baseline.
constexpr double kLongestGap = 1.0 * kNanosPerSecond;

}  // namespace

void TunnelSensor::sent(std::uint64_t bytes, MonotonicNanos now) {
  if (messages_ == 0) progress_ = now;
  ++messages_;
  bytes_ += bytes;
}

void TunnelSensor::acknowledged(std::uint64_t bytes, std::int64_t delay_nanos, MonotonicNanos now) {
  bytes_ -= std::min(bytes, bytes_);
  messages_ -= messages_ > 0 ? 1 : 0;
  progress_ = now;
  retry_ = 0;
  learn(delay_nanos, now);
}

void TunnelSensor::failed(std::uint64_t bytes, MonotonicNanos now) {
  bytes_ -= std::min(bytes, bytes_);
  messages_ -= messages_ > 0 ? 1 : 0;
  // Others of the same flight are answered: that is loss, not a stall.
  if (now.value - progress_.value < options_.stall_after) return;
  // Many fail together: one trial.
  const bool same_trial = retry_ != 0 && now.value - failed_at_.value < retry_;
  if (!same_trial) {
    retry_ = retry_ == 0 ? options_.first_retry : std::min(2 * retry_, options_.longest_retry);
    failed_at_ = now;
  }
}

void TunnelSensor::observe(std::int64_t delay_nanos, MonotonicNanos now) {
  progress_ = now;
  retry_ = 0;
  learn(delay_nanos, now);
}

void TunnelSensor::disconnected(MonotonicNanos now) {
  bytes_ = messages_ = 0;
  retry_ = 0;
  losses_[loss_++ % kLosses] = now;
  // Of another connection nothing is known but that it may be like this one: the baseline stays.
  above_ = false;
  ack_ = baseline_;
}

TunnelReading TunnelSensor::read(MonotonicNanos now) const {
  const std::uint32_t losses = recent_losses(now);
  std::uint8_t level = 0;
  if (is_stalled(now) || losses >= options_.stalled_losses)
    level = 2;
  else if (is_slow(now) || is_trying(now) || losses >= options_.slow_losses)
    level = 1;
  return {level, static_cast<std::int64_t>(ack_), static_cast<std::int64_t>(baseline_), bytes_};
}

void TunnelSensor::learn(std::int64_t delay, MonotonicNanos now) {
  const auto sample = static_cast<double>(std::max<std::int64_t>(delay, 1));
  if (baseline_ == 0) {
    ack_ = baseline_ = sample;
    learned_at_ = now;
    return;
  }
  const double gap = std::clamp(static_cast<double>(now.value - learned_at_.value), 0.0, kLongestGap);
  learned_at_ = now;
  ack_ += (sample - ack_) * kSmoothing;
  const double constant = ack_ < baseline_ ? kDownNanos : kUpNanos;
  baseline_ += (ack_ - baseline_) * gap / constant;
  const bool slow =
      ack_ > options_.slow_times * baseline_ && ack_ > baseline_ + static_cast<double>(options_.slow_above);
  const bool fine =
      ack_ < options_.fine_times * baseline_ || ack_ < baseline_ + static_cast<double>(options_.fine_above);
  if (slow && !above_) slow_since_ = now;
  above_ = slow || (above_ && !fine);
}

bool TunnelSensor::is_slow(MonotonicNanos now) const {
  // Nothing came for a while: nothing was sent, or it is a stall.
  if (!above_ || now.value - learned_at_.value > kForgetSlow) return false;
  return now.value - slow_since_.value >= options_.slow_after;
}

// After a stall: carefully, until an answer comes or nobody has anything to send.
bool TunnelSensor::is_trying(MonotonicNanos now) const {
  return retry_ != 0 && now.value - failed_at_.value < retry_ + kForgetSlow;
}

bool TunnelSensor::is_stalled(MonotonicNanos now) const {
  const std::int64_t trial = retry_ != 0 ? failed_at_.value + retry_ : 0;
  if (now.value < trial) return true;
  if (messages_ == 0) return false;
  const auto patience =
      std::max(options_.stall_after, static_cast<std::int64_t>(options_.stall_times * baseline_));
  return now.value - std::max(progress_.value, trial) >= patience;
}

std::uint32_t TunnelSensor::recent_losses(MonotonicNanos now) const {
  std::uint32_t losses = 0;
  for (std::size_t i = 0; i < std::min(loss_, kLosses); ++i)
    if (now.value - losses_[i].value < kRecent) ++losses;
  return losses;
}

}  // namespace fluxrig::pressure
