#include "rack/pressure_control.hpp"

#include <algorithm>

namespace fluxrig::rack {
namespace {

void sooner(std::optional<MonotonicNanos>& due, std::optional<MonotonicNanos> other) {
  if (other) due = due ? std::min(*due, *other) : *other;
}

}  // namespace

PressureControl::PressureControl(Random& random, MonotonicNanos now)
    : machine_(now, {}), replay_(random, now, {}), live_(0, kLiveBurst, now), window_began_(now) {}

void PressureControl::take(const model::PressureLease& lease, MonotonicNanos arrived, MonotonicNanos now) {
  if (leases_.take(lease, arrived) && lease.pace_bytes_per_s) live_.set_rate(*lease.pace_bytes_per_s, now);
}

std::optional<pressure::Transition> PressureControl::step(const Situation& situation, MonotonicNanos now) {
  backlog_bytes_ = situation.backlog_bytes;
  const auto lease = leases_.view(now);
  if (forced_ && forced_->until <= now) forced_.reset();
  const auto transition =
      machine_.step({now, lease, situation.connected, situation.tunnel, situation.backlog_bytes, forced_});
  switch (lease.standing) {
    case pressure::LeaseStanding::kNone:
      replay_.set_budget(std::nullopt, now);
      break;
    case pressure::LeaseStanding::kValid:
      replay_.set_budget(lease.lease.replay_bytes_per_s, now);
      break;
    case pressure::LeaseStanding::kExpired:
      replay_.set_budget(0, now);
      break;
  }
  if (state() == model::PressureState::kReplay)
    replay_.resume(now);
  else
    replay_.pause(now);
  if (transition && transition->to == model::PressureState::kRestrict) live_.empty(now);
  return transition;
}

bool PressureControl::paced() const noexcept { return restricting() && live_.rate() != 0; }

bool PressureControl::pay_live(std::uint64_t bytes, MonotonicNanos now) {
  live_ready_.reset();
  if (paced() && !live_.take(bytes, now)) {
    live_ready_ = live_.ready_at(bytes, now);
    return false;
  }
  count_live(bytes, now);
  return true;
}

bool PressureControl::pay_backlog(std::uint64_t bytes, MonotonicNanos now) {
  backlog_ready_.reset();
  if (replay_.take(bytes, now)) return true;
  backlog_ready_ = replay_.next_at(bytes, now);
  return false;
}

void PressureControl::count_live(std::uint64_t bytes, MonotonicNanos now) {
  const std::int64_t passed = now.value - window_began_.value;
  if (passed >= kRateWindow) {
    live_rate_ =
        live_bytes_ * static_cast<std::uint64_t>(kNanosPerSecond) / static_cast<std::uint64_t>(passed);
    live_bytes_ = 0;
    window_began_ = now;
  }
  live_bytes_ += bytes;
}

std::optional<MonotonicNanos> PressureControl::next_due(MonotonicNanos now) {
  auto due = machine_.next_due();
  sooner(due, leases_.next_change(now));
  if (paced()) sooner(due, live_ready_);
  if (state() == model::PressureState::kReplay) sooner(due, backlog_ready_);
  return due;
}

model::RackPressure PressureControl::report(MonotonicNanos now) const {
  model::RackPressure report;
  report.state = state();
  const auto cause = machine_.cause();
  report.cause = cause.source == pressure::Source::kMixer ? name_of(cause.mixer) : name_of(cause.source);
  report.backlog_bytes = backlog_bytes_;
  report.live_bytes_per_s = now.value - window_began_.value < 2 * kRateWindow ? live_rate_ : 0;
  report.replay_bytes_per_s = state() == model::PressureState::kReplay ? replay_.rate(now) : 0;
  report.seconds_left = replay_.seconds_left(backlog_bytes_, now);
  return report;
}

}  // namespace fluxrig::rack
