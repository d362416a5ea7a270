// The rack's end of the snake: says hello, sends heartbeats, ships audit blocks out of the WAL and telemetry
// out of its queue, and takes receipts in. The core without a thread: `turn` does what there is to do now;
// LinkThread calls it. One thread, except the callbacks marked so.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/diagnostics.hpp"
#include "lane/telemetry_queue.hpp"
#include "model/agent.hpp"
#include "model/receipt.hpp"
#include "rack/audit_shipper.hpp"
#include "snake/bus.hpp"
#include "wal/receipts.hpp"

namespace fluxrig::rack {

struct LinkCounters {
  std::atomic<std::uint64_t> audit_records_sent{0};
  std::atomic<std::uint64_t> audit_records_receipted{0};
  std::atomic<std::uint64_t> audit_resends{0};  // times the cursor went back
  std::atomic<std::uint64_t> audit_damage{0};   // bad frames passed over: named in the diagnostics
  std::atomic<std::uint64_t> telemetry_records_sent{0};
  std::atomic<std::uint64_t> hellos{0};
};

class Link {
 public:
  static constexpr std::size_t kMessageBytes = 24U << 10;  // telemetry never blocks the connection for longer
  static constexpr std::size_t kAuditWindow = 32;          // messages without the stream's acknowledgement
  static constexpr std::size_t kBacklogWindow = 8;
  static constexpr std::size_t kTelemetryWindow = 16;
  static constexpr std::int64_t kTelemetryRetry = 500 * kNanosPerMilli;  // after the stream refused
  static constexpr std::int64_t kHeartbeatEvery = 5 * kNanosPerSecond;
  static constexpr std::int64_t kHelloEvery = 2 * kNanosPerSecond;  // until it is answered
  static constexpr auto kHelloTimeout = std::chrono::milliseconds(2000);

  struct Parts {
    snake::Bus& bus;
    const Clock& clock;
    Diagnostics& diagnostics;
    MachineId machine_id;
    model::Hello hello;
    wal::Disk& disk;
    std::string audit_directory;
    const wal::DurableLimit& durable;
    wal::Receipts receipts;  // as stored; the link keeps its own copy up to date
    lane::TelemetryQueue& telemetry;
    std::function<void(const model::Receipt&)> on_receipt;  // on the link's thread
    std::function<std::string()> status_json;               // on the link's thread
    std::function<void()> wake;                             // any thread: call `turn` soon
    std::atomic<bool>& connection_changed;  // set by the bus's thread, which then wakes the link
    // Any thread: one past the last record that is on disk in this run's epoch.
    std::function<AuditShipper::Position()> live_position;
    std::function<void(std::string_view)> on_damage = {};  // a segment that cannot be read; may be empty
    // The backlog ends here: what is written from now on deserves a segment of its own; may be empty.
    std::function<void()> begin_segment = {};
  };

  explicit Link(Parts parts);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // One round over everything.
  void turn(bool flush_telemetry = false);
  // Monotonic ns of the next thing that is due by time.
  [[nodiscard]] std::int64_t next_due() const;
  // Everything that was durable is stored at the mixer, and no telemetry is left: for a clean shutdown.
  [[nodiscard]] bool settled() const;
  [[nodiscard]] const LinkCounters& counters() const noexcept { return counters_; }
  // Something happened since the last turn that asks for another: the pump made blocks durable, a callback
  // came.
  [[nodiscard]] bool has_news() const noexcept;
  // Any thread (the pump): there are new durable blocks, or telemetry.
  void work_arrived() noexcept;
  // Any thread: the mixer misses blocks of the chain that it has receipts for. Sends all again that it may
  // lack, from the oldest segment on.
  void resend_chain() noexcept;

 private:
  struct Shared;  // what publish callbacks touch; they may outlive this object
  void say_hello();
  void send_heartbeat();
  void take_receipts();
  void settle_answers();
  void divide(AuditShipper::Round round);
  void repair_audit();
  void ship_audit();
  void ship_stretch(AuditShipper& shipper, std::size_t window);
  void note_damage(const wal::Damage& damage);
  void ship_telemetry(bool flush);
  [[nodiscard]] bool publish_telemetry(lane::TelemetryBlock block);

  Parts parts_;
  std::shared_ptr<Shared> shared_;
  LinkCounters counters_;
  AuditShipper live_;     // what is written since the link is up
  AuditShipper backlog_;  // what is older: beside it, so that fresh records need not wait
  std::int64_t hello_at_ = 0;
  std::int64_t heartbeat_at_ = 0;
  std::int64_t telemetry_retry_at_ = 0;
  bool welcomed_ = false;
  std::atomic<bool> resend_chain_{false};  // set by resend_chain(), taken back by the next turn
  std::unique_ptr<snake::Subscription> receipts_subscription_;
};

}  // namespace fluxrig::rack
