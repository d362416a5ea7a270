// What a rack's process holds in memory, from the gears to the link, in the order of construction. Gone when
// it dies. One thread.
#pragma once

#include <atomic>
#include <memory>

#include "base/diagnostics.hpp"
#include "lane/telemetry_backlog.hpp"
#include "lane/telemetry_queue.hpp"
#include "rack/audit_lane.hpp"
#include "rack/link.hpp"
#include "rack/runtime.hpp"
#include "sim/actor_clock.hpp"
#include "sim/business_gears.hpp"
#include "sim/counted_audit.hpp"
#include "sim/simulated_bus.hpp"
#include "sim/simulated_loop.hpp"
#include "tap/pump.hpp"
#include "wal/memory_disk.hpp"

namespace fluxrig::sim {

// Counts what the pump hands out before the product's own counters see it.
class CountedTelemetry final : public tap::TelemetryOutput {
 public:
  explicit CountedTelemetry(lane::TelemetryQueue& queue) : queue_(queue) {}
  void offer(model::Signal signal, const sanitize::CleanRecords& one) override {
    ++produced_;
    queue_.offer(signal, one);
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
    wal::MemoryDisk& disk;
    std::string directory;
    MachineId machine_id;
    std::string rack;
    std::string source;  // "<rack>.<gear>" whose messages it takes; empty: nobody's
    std::size_t number = 0;
    std::uint64_t incarnation = 0;
    std::int64_t wall_offset = 0;
    std::function<void()> worked;  // after everything that the io loop or a worker did
    std::function<void()> wake_pump;
    std::function<void()> wake_link;
  };
  explicit RackProcess(const Parts& parts);

  // Opens the WAL and makes what needs it; a failure is one of the disk, and the start is tried again.
  [[nodiscard]] Outcome<void> open(const Parts& parts);
  // As Rack::state_ledger; false: it has more to say.
  [[nodiscard]] bool state_ledger(lane::TelemetryLedger::Occasion occasion);
  // A record of the rack itself, as Rack::event. By its records the mixer knows that the epoch before is
  // over.
  void event(const char* name);
  // It does nothing any more that anybody would hear of.
  [[nodiscard]] bool dead() const noexcept { return bus.dead() || disk.stopped(); }

  wal::MemoryDisk& disk;
  ActorClock clock;
  Diagnostics diagnostics;
  tap::TickSource tick_source;
  tap::TickConverter ticks;
  tap::Names names;
  tap::Ring ring;
  tap::EventQueue events;
  sanitize::Sanitizer sanitizer;
  lane::DropCounters drops;
  lane::TelemetryLedger ledger;
  lane::TelemetryQueue telemetry;
  CountedTelemetry counted;
  rack::Doorbell bell;  // nobody sleeps on it
  rack::Admission admission;
  SimulatedLoop loop;
  SimulatedBus bus;
  std::atomic<bool> connection_changed{false};
  std::unique_ptr<lane::TelemetryBacklog> backlog;  // none: it could not be opened
  std::unique_ptr<rack::AuditLane> audit;
  std::unique_ptr<CountedAudit> counted_audit;  // with on_full: continue
  std::unique_ptr<tap::Pump> pump;
  std::unique_ptr<rack::Runtime> runtime;
  std::unique_ptr<rack::Link> link;
  Shop* shop = nullptr;  // the runtime's

  bool blocked = false;
  bool in_interval = false;       // appended, and the sync waits for the interval's end
  std::int64_t unsynced_at = -1;  // since when what nobody waits for is not on disk; -1: nothing
  std::int64_t safe_until = 0;    // what entered the ring before is on disk
  std::int64_t metrics_at = 0;
  std::int64_t ledger_at = 0;
  bool stated_last = false;  // the ledger is closed: nothing is produced any more

 private:
  [[nodiscard]] Outcome<void> open_audit(const Parts& parts);
  void open_backlog(const Parts& parts);
  [[nodiscard]] rack::Wiring wiring(const Parts& parts);
  void make_link(const Parts& parts);

  wal::Receipts stored_;  // as the audit lane found them
};

}  // namespace fluxrig::sim
