// The rack's records, state and connection; how it sends is fleet_rack_send.cpp.
#include "sim/fleet_rack.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tap/sampling.hpp"

namespace fluxrig::sim {
namespace {

constexpr std::uint64_t kLiveBurst = 64U << 10;
constexpr int kTracesATick = 8;
constexpr double kRestrictedRatio = 0.1;  // of the traces
constexpr double kLiveRateShare = 0.2;    // of each tick in the reported rate

}  // namespace

FleetRack::FleetRack(Parts parts, std::uint32_t index)
    : parts_(parts),
      plan_(parts.plan.racks[index]),
      index_(index),
      link_(plan_.link),
      machine_({0}, {}),
      replay_(parts.random, {0}, {}),
      pace_(0, kLiveBurst, {0}) {
  parts_.events.at(static_cast<std::int64_t>(parts_.random.below(kTickEvery)),
                   {.kind = FleetEventKind::kTick, .rack = index_});
}

void FleetRack::tick() {
  produce();
  expire();
  step();
  report();
  check_progress();
  send();
  const bool alone = !connected_ && machine_.state() == pressure::PressureState::kDivert;
  parts_.events.at(parts_.events.now() + (alone ? kTickAlone : kTickEvery),
                   {.kind = FleetEventKind::kTick, .rack = index_});
}

void FleetRack::produce() {
  const std::int64_t since = produced_until_;
  produced_until_ = parts_.events.now();
  const double seconds = static_cast<double>(produced_until_ - since) / kNanosPerSecond;
  produce(FleetLane::kAudit, plan_.audit_bytes_per_s * seconds, since);
  produce(FleetLane::kTelemetry, plan_.telemetry_bytes_per_s * seconds, since);
  const double rate = plan_.audit_bytes_per_s + plan_.telemetry_bytes_per_s;
  live_rate_ += (rate - live_rate_) * kLiveRateShare;
  // From the last tick of an outage nothing of its beginning is still live.
  live_to_backlog(parts_.events.now() - kLiveLag);
}

void FleetRack::produce(FleetLane lane, double bytes, std::int64_t since) {
  const auto at = index_of(lane);
  carry_[at] += bytes;
  auto whole = static_cast<std::uint64_t>(carry_[at]);
  carry_[at] -= static_cast<double>(whole);
  produced_[at] += whole;
  if (lane == FleetLane::kTelemetry && machine_.state() == pressure::PressureState::kRestrict) {
    const std::uint64_t kept = sampled(whole);
    dropped_[at] += whole - kept;
    whole = kept;
  }
  if (whole == 0) return;
  if (machine_.state() == pressure::PressureState::kDivert) return put_backlog(lane, whole);
  live_[at].push_back({since, whole});
  live_bytes_[at] += whole;
}

// Half of the bytes are metrics, half are spans of a few traces.
std::uint64_t FleetRack::sampled(std::uint64_t bytes) {
  std::uint64_t kept = bytes - bytes / 2;
  for (int i = 0; i < kTracesATick; ++i)
    if (tap::is_sampled(make_trace_id(parts_.random), kRestrictedRatio)) kept += bytes / 2 / kTracesATick;
  return kept;
}

void FleetRack::put_backlog(FleetLane lane, std::uint64_t bytes) {
  const auto at = index_of(lane);
  backlog_[at] += bytes;
  if (lane == FleetLane::kAudit || backlog_[at] <= parts_.plan.telemetry_backlog_bytes) return;
  dropped_[at] += backlog_[at] - parts_.plan.telemetry_backlog_bytes;
  backlog_[at] = parts_.plan.telemetry_backlog_bytes;
}

void FleetRack::live_to_backlog(std::int64_t before) {
  for (const auto lane : {FleetLane::kAudit, FleetLane::kTelemetry}) {
    auto& queue = live_[index_of(lane)];
    for (; !queue.empty() && queue.front().produced_at < before; queue.pop_front()) {
      live_bytes_[index_of(lane)] -= queue.front().bytes;
      put_backlog(lane, queue.front().bytes);
    }
  }
}

void FleetRack::step() {
  const MonotonicNanos now{parts_.events.now()};
  pressure::StateMachine::Input input;
  input.now = now;
  input.lease = lease_.view(now);
  input.connected = connected_;
  input.tunnel = sensor_.read(now);
  input.backlog_bytes = backlog_bytes();
  if (const auto transition = machine_.step(input)) enter(*transition);
}

void FleetRack::enter(const pressure::Transition& transition) {
  parts_.checks.transition(transition.to);
  const MonotonicNanos now{parts_.events.now()};
  if (transition.to == pressure::PressureState::kReplay) {
    replay_.resume(now);
    progress_at_ = now.value;
  } else {
    replay_.pause(now);
  }
  if (transition.to == pressure::PressureState::kDivert) live_to_backlog(now.value + 1);
}

void FleetRack::report() {
  const std::int64_t now = parts_.events.now();
  if (!connected_ || !reachable() || now < heartbeat_at_) return;
  heartbeat_at_ = now + kHeartbeatEvery;
  pressure::RackDemand demand;
  demand.backlog_bytes = backlog_bytes();
  demand.live_bytes_per_s = static_cast<std::uint64_t>(live_rate_);
  if (!replay_.paused()) demand.replay_bytes_per_s = replay_.rate({now});
  parts_.mixer.report(index_, demand);
}

void FleetRack::take_lease(const model::PressureLease& lease) {
  const MonotonicNanos now{parts_.events.now()};
  if (!reachable() || !lease_.take(lease, now)) return;
  replay_.set_budget(lease.replay_bytes_per_s, now);
  if (replay_.paused()) progress_at_ = now.value;
  paced_ = lease.pace_bytes_per_s.has_value();
  if (paced_) pace_.set_rate(*lease.pace_bytes_per_s, now);
  step();
  send();
}

void FleetRack::stored(const FleetMessage& message) {
  progress_at_ = parts_.events.now();
  if (!message.live) backlog_sent_ -= message.bytes;
}

void FleetRack::check_progress() {
  const std::int64_t now = parts_.events.now();
  const bool waits = backlog_[0] + backlog_[1] + live_bytes_[0] + live_bytes_[1] > 0;
  const bool may =
      connected_ && reachable() && machine_.state() == pressure::PressureState::kReplay && !replay_.paused();
  if (!waits || !may) progress_at_ = std::max(progress_at_, now);
  if (now - progress_at_ > kNoProgress)
    parts_.checks.fail("no livelock on narrow links",
                       fmt::format("rack {} ({:.0f} bytes/s, {} ms) replays, and nothing moves", index_,
                                   plan_.link.bytes_per_s, plan_.link.round_trip / kNanosPerMilli),
                       now);
}

void FleetRack::link_down() {
  if (outages_++ > 0) return;
  // A broken server says so; a cut cable is found out by pings.
  const bool told = parts_.random.below(2) == 0;
  const auto after = parts_.random.below(told ? kNanosPerSecond / 5 : 10 * kNanosPerSecond);
  parts_.events.at(parts_.events.now() + static_cast<std::int64_t>(after),
                   {.kind = FleetEventKind::kNoticed, .rack = index_});
}

void FleetRack::link_up() {
  if (--outages_ > 0) return;
  const auto after = parts_.random.below(5 * kNanosPerSecond);  // the client's own tries
  parts_.events.at(parts_.events.now() + static_cast<std::int64_t>(after),
                   {.kind = FleetEventKind::kNoticed, .rack = index_});
}

void FleetRack::notice() {
  const MonotonicNanos now{parts_.events.now()};
  if (reachable() == connected_) return;
  connected_ = reachable();
  if (connected_) {
    link_.reconnect(now);
    lease_.welcomed(now);
    heartbeat_at_ = 0;
    report();
  } else {
    sensor_.disconnected(now);
    window_.disconnected();
    while (!order_.empty()) {
      lose(order_.front());
      order_.pop_front();
    }
  }
  step();
}

std::uint64_t FleetRack::backlog_bytes() const noexcept { return backlog_[0] + backlog_[1] + backlog_sent_; }

FleetBytes FleetRack::held() const noexcept {
  FleetBytes held;
  for (std::size_t at = 0; at < kFleetLanes; ++at) held[at] = live_bytes_[at] + backlog_[at] + under_way_[at];
  return held;
}

std::uint64_t FleetRack::memory_bytes() const noexcept {
  return live_bytes_[0] + live_bytes_[1] + window_.in_flight_bytes();
}

}  // namespace fluxrig::sim
