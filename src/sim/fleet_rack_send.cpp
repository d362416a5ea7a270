// What a rack of the fleet sends when: live before backlog, audit before telemetry, all inside the window.
#include <algorithm>

#include "sim/fleet_rack.hpp"

namespace fluxrig::sim {

using pressure::PressureState;

void FleetRack::send() {
  if (!connected_ || machine_.state() == PressureState::kDivert) return;
  while (send_live(FleetLane::kAudit) || send_live(FleetLane::kTelemetry) ||
         (machine_.state() == PressureState::kReplay &&
          (send_backlog(FleetLane::kAudit) || send_backlog(FleetLane::kTelemetry)))) {
  }
}

bool FleetRack::send_live(FleetLane lane) {
  const auto at = index_of(lane);
  auto& queue = live_[at];
  if (queue.empty()) return false;
  const std::uint64_t bytes = std::min(window_.chunk_bytes(), live_bytes_[at]);
  if (!window_lets(bytes)) return false;
  const MonotonicNanos now{parts_.events.now()};
  if (paced_ && machine_.state() == PressureState::kRestrict && !pace_.take(bytes, now)) {
    wake_at(pace_.ready_at(bytes, now).value);
    return false;
  }
  FleetMessage message{lane, true, index_, bytes, queue.front().produced_at};
  std::uint64_t left = bytes;
  while (left > 0) {
    Slab& slab = queue.front();
    const std::uint64_t part = std::min(left, slab.bytes);
    slab.bytes -= part;
    left -= part;
    if (slab.bytes == 0) queue.pop_front();
  }
  live_bytes_[at] -= bytes;
  dispatch(message);
  return true;
}

bool FleetRack::send_backlog(FleetLane lane) {
  const auto at = index_of(lane);
  if (backlog_[at] == 0) return false;
  const std::uint64_t bytes = std::min(window_.chunk_bytes(), backlog_[at]);
  if (!window_lets(bytes)) return false;
  const MonotonicNanos now{parts_.events.now()};
  if (!replay_.take(bytes, now)) {
    if (const auto next = replay_.next_at(bytes, now)) wake_at(next->value);
    return false;
  }
  backlog_[at] -= bytes;
  backlog_sent_ += bytes;
  dispatch({lane, false, index_, bytes, 0});
  return true;
}

bool FleetRack::window_lets(std::uint64_t bytes) {
  const MonotonicNanos now{parts_.events.now()};
  if (window_.may_send(bytes, now)) return true;
  if (window_.next_send() > now) wake_at(window_.next_send().value);
  return false;  // or an acknowledgement opens it
}

void FleetRack::dispatch(const FleetMessage& message) {
  const MonotonicNanos now{parts_.events.now()};
  const std::uint32_t number = take_slot();
  Slot& slot = slots_[number];
  slot.message = message;
  slot.ticket = window_.sent(message.bytes, now);
  slot.busy = true;
  slot.arrived = slot.refused = false;
  sensor_.sent(message.bytes, now);
  under_way_[index_of(message.lane)] += message.bytes;
  order_.push_back(number);
  if (!reachable()) return;  // into the void, and it does not know
  const auto passage = link_.send(message.bytes, now, parts_.random);
  parts_.events.at(
      passage.arrives.value,
      {.kind = FleetEventKind::kArrive, .rack = index_, .slot = number, .generation = slot.generation});
  parts_.events.at(
      passage.answered.value,
      {.kind = FleetEventKind::kAcknowledge, .rack = index_, .slot = number, .generation = slot.generation});
}

void FleetRack::arrive(std::uint32_t number, std::uint32_t generation) {
  Slot& slot = slots_[number];
  if (!reachable() || !slot.busy || slot.generation != generation) return;
  slot.arrived = parts_.mixer.offer(slot.message);
  slot.refused = !slot.arrived;
  if (slot.arrived) under_way_[index_of(slot.message.lane)] -= slot.message.bytes;
}

void FleetRack::acknowledge(std::uint32_t number, std::uint32_t generation) {
  Slot& slot = slots_[number];
  if (!reachable() || !slot.busy || slot.generation != generation) return;
  if (!slot.arrived && !slot.refused) return;  // it was lost on the way
  const MonotonicNanos now{parts_.events.now()};
  window_.acknowledged(slot.ticket, now);
  sensor_.acknowledged(slot.message.bytes, now.value - slot.ticket.sent_at.value, now);
  order_.erase(std::find(order_.begin(), order_.end(), number));
  lose(number);
  send();
}

void FleetRack::expire() {
  const MonotonicNanos now{parts_.events.now()};
  while (!order_.empty()) {
    const Slot& slot = slots_[order_.front()];
    if (now.value - slot.ticket.sent_at.value < kAckTimeout) return;
    window_.failed(slot.ticket, now);
    sensor_.failed(slot.message.bytes, now);
    lose(order_.front());
    order_.pop_front();
  }
}

void FleetRack::wake(std::uint32_t generation) {
  if (generation != wake_generation_) return;
  wake_at_ = 0;
  send();
}

// The earliest of what was asked for since the last one.
void FleetRack::wake_at(std::int64_t at) {
  const std::int64_t limit = parts_.events.now() + kTickEvery;  // the tick comes anyway
  if (at >= limit || (wake_at_ != 0 && wake_at_ <= at)) return;
  wake_at_ = std::max(at, parts_.events.now() + 1);
  parts_.events.at(wake_at_,
                   {.kind = FleetEventKind::kWake, .rack = index_, .generation = ++wake_generation_});
}

std::uint32_t FleetRack::take_slot() {
  if (free_.empty()) {
    slots_.emplace_back();
    return static_cast<std::uint32_t>(slots_.size() - 1);
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  return slot;
}

void FleetRack::free_slot(std::uint32_t number) {
  Slot& slot = slots_[number];
  slot.busy = false;
  ++slot.generation;
  free_.push_back(number);
}

// Its outcome is known, or never will be. What the stream has not taken goes (back) to the backlog.
void FleetRack::lose(std::uint32_t number) {
  const FleetMessage message = slots_[number].message;
  if (!slots_[number].arrived) {
    under_way_[index_of(message.lane)] -= message.bytes;
    if (!message.live) backlog_sent_ -= message.bytes;
    put_backlog(message.lane, message.bytes);
  }
  free_slot(number);
}

}  // namespace fluxrig::sim
