// What a rack's process holds in memory, from the ring to the link, in the order of construction. Gone when
// it dies. One thread.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <utility>

#include "base/diagnostics.hpp"
#include "lane/telemetry_queue.hpp"
#include "rack/audit_lane.hpp"
#include "rack/link.hpp"
#include "sim/actor_clock.hpp"
#include "sim/simulated_bus.hpp"
#include "tap/pump.hpp"

namespace fluxrig::sim {

// Counts what the pump hands out before the product's own counters see it.
class CountedTelemetry final : public tap::TelemetryOutput {
 public:
  explicit CountedTelemetry(lane::TelemetryQueue& queue) : queue_(queue) {}
  void offer(model::Signal signal, ByteView record) override {
    ++produced_;
    queue_.offer(signal, record);
  }
  void count_dropped(model::DropCause cause, model::Signal signal, std::uint64_t records) override {
    produced_ += records;
    queue_.count_dropped(cause, signal, records);
  }
  [[nodiscard]] std::uint64_t produced() const noexcept { return produced_; }

 private:
  lane::TelemetryQueue& queue_;
  std::uint64_t produced_ = 0;
};

struct RackProcess {
  struct Parts {
    World& world;
    MessageServer& server;
    SimulatedBus::Answer mixer;
    wal::Disk& disk;
    std::string directory;
    MachineId machine_id;
    std::string rack;
    const tap::Names& names;
    std::int64_t wall_offset = 0;
    std::function<void()> wake_pump;
    std::function<void()> wake_link;
  };
  explicit RackProcess(const Parts& parts);

  // Opens the WAL and makes what needs it; a failure is one of the disk, and the start is tried again.
  [[nodiscard]] Outcome<void> open(const Parts& parts);

  ActorClock clock;
  Diagnostics diagnostics;
  tap::TickSource tick_source;
  tap::TickConverter ticks;
  tap::Ring ring;
  tap::EventQueue events;
  sanitize::Sanitizer sanitizer;
  lane::DropCounters drops;
  lane::TelemetryLedger ledger;
  lane::TelemetryQueue telemetry;
  CountedTelemetry counted;
  SimulatedBus bus;
  std::atomic<bool> connection_changed{false};
  std::unique_ptr<rack::AuditLane> audit;
  std::unique_ptr<tap::Pump> pump;
  std::unique_ptr<rack::Link> link;

  bool blocked = false;
  bool in_interval = false;  // appended, and the sync waits for the interval's end
  std::int64_t metrics_at = 0;
  std::deque<std::pair<tap::RingPosition, FluxId>> awaiting;
};

}  // namespace fluxrig::sim
