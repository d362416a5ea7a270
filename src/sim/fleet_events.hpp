// What happens when in the fleet's simulated time: a heap of plain values, because there are tens of millions
// of them. Those of one instant happen in the order in which they were made. One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace fluxrig::sim {

enum class FleetEventKind : std::uint8_t {
  kTick,         // of a rack: records, timeouts, the state, the heartbeat
  kWake,         // of a rack: a pace lets the next message go
  kArrive,       // a message is at the server
  kAcknowledge,  // the stream's answer is back
  kLease,        // one is back at the rack
  kLinkDown,
  kLinkUp,
  kNoticed,    // the rack sees that its link went down, or up
  kMixerTurn,  // sense, share, lease
  kMixerWork,  // a batch may begin
  kCommitted,  // or has failed
};

struct FleetEvent {
  std::int64_t time = 0;
  std::uint64_t number = 0;
  FleetEventKind kind = FleetEventKind::kTick;
  std::uint32_t rack = 0;
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;  // what it was for may be gone by then
};

class FleetEvents {
 public:
  void at(std::int64_t time, FleetEvent event) {
    event.time = std::max(time, now_);
    event.number = ++made_;
    heap_.push_back(event);
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  // Advances the time to it; nullopt: nothing is left.
  std::optional<FleetEvent> next() {
    if (heap_.empty()) return std::nullopt;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const FleetEvent event = heap_.back();
    heap_.pop_back();
    now_ = event.time;
    return event;
  }
  [[nodiscard]] std::int64_t now() const noexcept { return now_; }
  [[nodiscard]] std::uint64_t made() const noexcept { return made_; }

 private:
  static bool later(const FleetEvent& a, const FleetEvent& b) noexcept {
    return a.time != b.time ? a.time > b.time : a.number > b.number;
  }
  std::vector<FleetEvent> heap_;
  std::int64_t now_ = 0;
  std::uint64_t made_ = 0;
};

}  // namespace fluxrig::sim
