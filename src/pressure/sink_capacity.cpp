#include "pressure/sink_capacity.hpp"

#include <algorithm>
#include <cmath>

namespace fluxrig::pressure {
namespace {

constexpr std::int64_t kLongestRound = 10 * kNanosPerSecond;

// Half full counts as full: the last batch of a burst is cut where the burst ends.
double utilisation(const SinkRound& round, std::int64_t nanos) {
  const double busy = static_cast<double>(round.busy_nanos) / static_cast<double>(nanos);
  return busy * std::clamp(2 * round.batch_fill, 0.0, 1.0);
}

}  // namespace

void SinkCapacity::shrink(MonotonicNanos now) {
  if (shrunk_ && now.value - shrunk_->value < options_.settle) return;
  shrunk_ = now;
  estimate_ *= options_.shrink;
}

void SinkCapacity::observe(const SinkRound& round) {
  const bool rose = round.level > level_;
  level_ = round.level;
  if (!last_ || round.now <= *last_) {  // the first round has no beginning
    if (!last_) last_ = round.now;
    return;
  }
  const std::int64_t nanos = round.now.value - last_->value;
  last_ = round.now;
  const double seconds = static_cast<double>(std::min(nanos, kLongestRound)) / kNanosPerSecond;
  const double rate = static_cast<double>(round.taken_bytes) * kNanosPerSecond / static_cast<double>(nanos);
  const double busy = utilisation(round, nanos);
  if (rose) shrunk_.reset();  // something new: not what the last step down was for
  if (round.level != 0 || busy >= options_.too_busy) {
    shrink(round.now);
  } else if (rate < options_.used * estimate_) {
    const double floor = std::max(static_cast<double>(options_.first), rate / options_.used);
    const double aged =
        estimate_ * std::exp2(-static_cast<double>(nanos) / static_cast<double>(options_.half_life));
    estimate_ = std::max(aged, std::min(estimate_, floor));
  } else if (busy < options_.keeps_up && (!shrunk_ || round.now.value - shrunk_->value >= options_.settle)) {
    estimate_ +=
        std::min(static_cast<double>(options_.growth), options_.fastest_growth * estimate_) * seconds;
    estimate_ = std::max(estimate_, rate);
  }
  estimate_ = std::clamp(estimate_, static_cast<double>(options_.least), static_cast<double>(options_.most));
}

}  // namespace fluxrig::pressure
