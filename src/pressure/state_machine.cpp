#include "pressure/state_machine.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fluxrig::pressure {
namespace {

std::uint8_t mixer_level(const LeaseView& view) {
  return view.standing == LeaseStanding::kValid ? view.lease.level : 0;
}

// What a relief is called: by what is left.
Cause relief(PressureState from, Demand demand) {
  if (demand == Demand::kBacklog) return {Source::kBacklog, {}};
  return {from == PressureState::kReplay ? Source::kBacklogDrained : Source::kCleared, {}};
}

}  // namespace

StateMachine::StateMachine(MonotonicNanos now, Options options)
    : options_(options), now_(now), entered_(now) {}

std::optional<Transition> StateMachine::step(const Input& input) {
  pass_time(input.now, input.connected);
  const Asked asked = ask(input);
  remember(asked.demand);
  const bool forced = input.forced && now_ < input.forced->until && !lost_connection();
  std::optional<Transition> transition;
  if (forced) {
    const Cause cause{Source::kOperator, {}};
    if (input.forced->state != state_) transition = go(input.forced->state, cause, input);
    cause_ = cause;
  } else {
    const Step step = step_of(state_, asked.demand);
    const bool pressed = asked.demand >= Demand::kRestrict;
    if (step.when == When::kAtOnce || (step.when == When::kSettled && now_ >= settled_at(step.to)))
      transition = go(step.to, pressed ? asked.cause : relief(state_, asked.demand), input);
    else if (step.when == When::kStay && pressed)
      cause_ = asked.cause;
  }
  plan_next(input, asked.demand);
  return transition;
}

void StateMachine::pass_time(MonotonicNanos now, bool connected) {
  if (now > now_) {
    nanos_in_[static_cast<std::size_t>(state_)] += now.value - now_.value;
    now_ = now;
  }
  if (connected)
    disconnected_since_.reset();
  else if (!disconnected_since_)
    disconnected_since_ = now_;
}

bool StateMachine::lost_connection() const noexcept {
  return disconnected_since_ && now_.value - disconnected_since_->value >= options_.disconnect_grace;
}

// The worst first: what it finds is the cause.
StateMachine::Asked StateMachine::ask(const Input& input) const {
  if (lost_connection()) return {Demand::kDivert, {Source::kDisconnected, {}}};
  if (input.lease.standing == LeaseStanding::kExpired) return {Demand::kDivert, {Source::kLeaseExpired, {}}};
  const std::uint8_t level = mixer_level(input.lease);
  const Cause mixer{Source::kMixer, input.lease.lease.cause};
  if (level >= 2) return {Demand::kDivert, mixer};
  if (input.tunnel.level >= 2) return {Demand::kDivert, {Source::kTunnelStalled, {}}};
  if (level == 1) return {Demand::kRestrict, mixer};
  if (input.tunnel.level == 1) return {Demand::kRestrict, {Source::kTunnelSlow, {}}};
  return {input.backlog_bytes > 0 ? Demand::kBacklog : Demand::kClear, {}};
}

// A demand lasts until the step that no longer has it.
void StateMachine::remember(Demand demand) {
  const Demand worst = std::max(demand, demand_);
  if (worst >= Demand::kRestrict) restrict_seen_ = now_;
  if (worst >= Demand::kDivert) divert_seen_ = now_;
  demand_ = demand;
}

MonotonicNanos StateMachine::settled_at(PressureState to) const noexcept {
  std::int64_t at = entered_.value + options_.dwell[static_cast<std::size_t>(state_)];
  const auto& seen = to == PressureState::kRestrict ? divert_seen_ : restrict_seen_;
  if (seen) at = std::max(at, seen->value + options_.hold);
  return {at};
}

void StateMachine::plan_next(const Input& input, Demand demand) {
  next_due_.reset();
  const auto due = [this](std::int64_t at) {
    if (at > now_.value && (!next_due_ || at < next_due_->value)) next_due_ = MonotonicNanos{at};
  };
  if (disconnected_since_) due(disconnected_since_->value + options_.disconnect_grace);
  if (input.forced && now_ < input.forced->until) {
    due(input.forced->until.value);
    if (!lost_connection()) return;
  }
  const Step step = step_of(state_, demand);
  if (step.when == When::kSettled) due(settled_at(step.to).value);
}

Transition StateMachine::go(PressureState to, Cause cause, const Input& input) {
  const Transition transition{state_,
                              to,
                              cause,
                              now_,
                              now_.value - entered_.value,
                              mixer_level(input.lease),
                              input.tunnel,
                              input.backlog_bytes};
  state_ = to;
  cause_ = cause;
  entered_ = now_;
  ++transitions_;
  return transition;
}

std::string to_string(const Transition& transition) {
  const auto millis = [](std::int64_t nanos) { return static_cast<double>(nanos) / kNanosPerMilli; };
  return fmt::format(
      "{} -> {} after {:.1f} s: {}{}{} (mixer level {}, tunnel level {}, acknowledgement {:.0f} ms, baseline "
      "{:.0f} ms, in flight {} bytes, backlog {} bytes)",
      model::name_of(transition.from), model::name_of(transition.to), millis(transition.lasted_nanos) / 1e3,
      name_of(transition.cause.source), transition.cause.source == Source::kMixer ? ", " : "",
      transition.cause.source == Source::kMixer ? model::name_of(transition.cause.mixer) : "",
      transition.mixer_level, transition.tunnel.level, millis(transition.tunnel.ack_nanos),
      millis(transition.tunnel.baseline_nanos), transition.tunnel.in_flight_bytes, transition.backlog_bytes);
}

}  // namespace fluxrig::pressure
