// The rack's end of the snake: says hello, sends heartbeats, ships audit blocks out of the WAL and telemetry
// out of its queue, and takes receipts in. The core without a thread: `turn` does what there is to do now;
// LinkThread calls it. One thread, except the callbacks marked so.
#pragma once

#include <atomic>
#include <deque>
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
#include "snake/bus.hpp"
#include "wal/cursor.hpp"
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
  static constexpr std::size_t kTelemetryWindow = 16;
  static constexpr std::size_t kUnreceiptedWindow = 4096;  // messages without the mixer's receipt
  static constexpr std::int64_t kReceiptPatience = 30 * kNanosPerSecond;  // then they are sent again
  static constexpr std::int64_t kAuditRetry = 500 * kNanosPerMilli;       // after the stream refused
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
    lane::DropCounters& drops;
    std::function<void(const model::Receipt&)> on_receipt;  // on the link's thread
    std::function<std::string()> status_json;               // on the link's thread
    std::function<void()> wake;                             // any thread: call `turn` soon
    std::atomic<bool>& connection_changed;  // set by the bus's thread, which then wakes the link
    std::function<void(std::string_view)> on_damage = {};  // a segment that cannot be read; may be empty
  };

  explicit Link(Parts parts);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // One round over everything; true when another one would find work at once.
  bool turn(bool flush_telemetry = false);
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
  struct Shipped {
    Epoch epoch;
    wal::SequenceRange range;
    std::int64_t at = 0;
  };
  struct AuditMessage {
    Bytes payload;
    std::vector<std::pair<Epoch, wal::SequenceRange>> ranges;
    std::uint64_t records = 0;
  };

  void say_hello();
  void send_heartbeat();
  void take_receipts();
  bool ship_audit();
  bool collect(AuditMessage& message);
  void add_block(const wal::StoredBlock& block, AuditMessage& message);
  [[nodiscard]] bool chain_lacks(const model::BlockHead& head) const;
  bool publish_audit(AuditMessage message);
  void go_back();
  bool ship_telemetry(bool flush);
  void forget_receipted();

  Parts parts_;
  std::shared_ptr<Shared> shared_;
  LinkCounters counters_;
  std::unique_ptr<wal::Cursor> cursor_;
  std::optional<AuditMessage> held_;  // collected, and refused by the bus at that moment
  std::deque<Shipped> shipped_;
  std::uint64_t telemetry_sequence_ = 1;
  std::int64_t hello_at_ = 0;
  std::int64_t heartbeat_at_ = 0;
  std::int64_t audit_retry_at_ = 0;
  bool welcomed_ = false;
  bool caught_up_ = false;
  std::atomic<bool> resend_chain_{false};  // set by resend_chain(), taken back by the next turn
  bool chain_round_ = false;  // this round sends what the mixer's chain has not passed, receipts or not
  std::unique_ptr<snake::Subscription> receipts_subscription_;
};

}  // namespace fluxrig::rack
