// The rack's end of the snake: says hello, sends heartbeats, ships audit blocks out of the WAL and telemetry
// out of its queue or its backlog, and takes receipts and leases in. What leaves, and when, follows the
// pressure state (docs/formats/pressure.md). The core without a thread: `turn` does what there is to do now;
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
#include "base/random.hpp"
#include "model/agent.hpp"
#include "model/receipt.hpp"
#include "rack/audit_shipper.hpp"
#include "rack/outbox.hpp"
#include "rack/pressure_control.hpp"
#include "rack/telemetry_shipper.hpp"
#include "snake/bus.hpp"
#include "wal/receipts.hpp"

namespace fluxrig::rack {

struct LinkCounters {
  std::atomic<std::uint64_t> audit_records_sent{0};
  std::atomic<std::uint64_t> audit_records_receipted{0};
  std::atomic<std::uint64_t> audit_resends{0};  // times a cursor went back
  std::atomic<std::uint64_t> audit_damage{0};   // bad frames passed over: named in the diagnostics
  std::atomic<std::uint64_t> telemetry_records_sent{0};
  std::atomic<std::uint64_t> hellos{0};
  std::array<std::atomic<std::uint64_t>, kFlows> bytes_sent{};  // by Flow
  // As of the last turn, for metrics.
  std::atomic<std::uint8_t> state{0};  // model::PressureState
  std::array<std::atomic<std::int64_t>, 4> nanos_in_state{};
  std::atomic<std::uint64_t> transitions{0};
  std::atomic<std::uint64_t> backlog_bytes{0};
  std::atomic<std::uint64_t> window_bytes{0};
  std::atomic<std::uint64_t> chunk_bytes{0};
};

class Link {
 public:
  static constexpr std::int64_t kHeartbeatEvery = 5 * kNanosPerSecond;
  static constexpr std::int64_t kHelloEvery = 2 * kNanosPerSecond;  // until it is answered
  static constexpr auto kHelloTimeout = std::chrono::milliseconds(2000);
  static constexpr int kMaxPiecesATurn = 256;
  static constexpr std::int64_t kPace = 10 * kNanosPerMilli;
  static constexpr std::int64_t kLeastPace = kNanosPerMilli / 2;
  // Fresh audit records that have waited for so long are backlog: what is written from then on does not wait
  // behind them.
  static constexpr std::int64_t kLate = 3 * kNanosPerSecond;
  static constexpr std::int64_t kMarkEvery = 500 * kNanosPerMilli;  // how exactly that is known

  struct Parts {
    snake::Bus& bus;
    const Clock& clock;
    Random& random;  // the link's own
    Diagnostics& diagnostics;
    MachineId machine_id;
    model::Hello hello;
    wal::Disk& disk;
    std::string audit_directory;
    const wal::DurableLimit& durable;
    wal::Receipts receipts;  // as stored; the link keeps its own copy up to date
    lane::TelemetryQueue& telemetry;
    lane::TelemetryBacklog* backlog = nullptr;              // none: it could not be opened
    std::function<void(const model::Receipt&)> on_receipt;  // on the link's thread
    std::function<std::string()> status_json;               // on the link's thread
    std::function<void()> wake;                             // any thread: call `turn` soon
    std::atomic<bool>& connection_changed;  // set by the bus's thread, which then wakes the link
    // Any thread: one past the last record that is on disk in this run's epoch.
    std::function<AuditShipper::Position()> live_position;
    std::function<void(std::string_view)> on_damage = {};  // a segment that cannot be read; may be empty
    // The backlog ends here: what is written from now on deserves a segment of its own; may be empty.
    std::function<void()> begin_segment = {};
    // On the link's thread, at each change of the pressure state; may be empty.
    std::function<void(const pressure::Transition&)> on_transition = {};
    // On the link's thread: how large the blocks and batches that are made from now on should be; may be
    // empty.
    std::function<void(std::size_t bytes)> on_chunk = {};
    std::shared_ptr<DelayLog> business = nullptr;  // acknowledgements of P0; may be null
    std::function<void()> take_commands = [] {};   // on the link's thread, in each turn with a connection
    std::function<bool()> audit_needs_space = [] { return false; };
    std::function<std::uint64_t()> spool_messages = [] { return 0; };
  };

  explicit Link(Parts parts);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // One round over everything.
  void turn(bool flush_telemetry = false);
  // After the last turn: telemetry that the stream has not acknowledged goes to the disk, and the disk has
  // it.
  void finish();
  // Monotonic ns of the next thing that is due by time.
  [[nodiscard]] std::int64_t next_due();
  // How long to rest before the next turn, ns: kPace, so that many small blocks share a message; less where
  // the pieces of a narrow link would leave in bursts.
  [[nodiscard]] std::int64_t rest() const;
  // Every audit record that is on disk by now is stored at the mixer, and no telemetry waits in memory or is
  // in flight (a backlog on disk may be left): for a clean shutdown.
  [[nodiscard]] bool settled() const;
  [[nodiscard]] const LinkCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] const PressureControl& pressure() const noexcept { return pressure_; }
  // Something happened since the last turn that asks for another: the pump made blocks durable, a callback
  // came.
  [[nodiscard]] bool has_news() const noexcept;
  // Any thread (the pump): there are new durable blocks, or telemetry.
  void work_arrived() noexcept;
  // Any thread: the mixer misses blocks of the chain that it has receipts for. Sends all again that it may
  // lack, from the oldest segment on. False: the backlog is still on its way, and they may be in there.
  [[nodiscard]] bool resend_chain() noexcept;
  // On the link's thread: an operator's command; nullopt gives the state back to the machine. The state then.
  model::PressureState force(std::optional<pressure::Forced> forced);

 private:
  struct Shared;  // what subscriptions touch; it may outlive this object

  void follow_connection();
  void listen();
  void say_hello();
  void send_heartbeat();
  void take_receipts();
  void take_leases();
  void decide();
  void enter(const pressure::Transition& transition);
  void divide(AuditShipper::Round round);
  void cut_off_late();
  void repair_audit();
  // link_ship.cpp
  enum class Step : std::uint8_t { kSent, kNothing, kWait };
  void ship(bool flush);
  [[nodiscard]] Step ship_one(bool flush);
  [[nodiscard]] Step ship_audit(AuditShipper& shipper, Flow flow);
  [[nodiscard]] Step ship_live_telemetry(bool flush);
  [[nodiscard]] Step ship_telemetry_backlog();
  [[nodiscard]] Step publish_telemetry(TelemetryShipper::Sent sent, Flow flow);
  void lead(std::int64_t bytes) noexcept;
  void note_damage(const wal::Damage& damage);
  void note_figures();
  [[nodiscard]] std::uint64_t backlog_bytes() const;
  [[nodiscard]] MonotonicNanos now() const { return parts_.clock.monotonic(); }

  Parts parts_;
  std::shared_ptr<Shared> shared_;
  LinkCounters counters_;
  AuditShipper live_;     // what is written since DIVERT was left
  AuditShipper backlog_;  // what is older: beside it, so that fresh records need not wait
  TelemetryShipper telemetry_;
  Outbox outbox_;
  PressureControl pressure_;
  std::int64_t hello_at_ = 0;
  std::int64_t heartbeat_at_ = 0;
  // Bytes of fresh telemetry sent, less bytes of the audit backlog; bounded.
  std::int64_t telemetry_lead_ = 0;
  // Where the audit log ended at some time; the live cursor has not been there yet.
  struct Mark {
    AuditShipper::Position position;
    MonotonicNanos at;
  };
  std::optional<Mark> mark_;
  bool welcomed_ = false;
  bool connected_ = false;  // as of this turn
  std::size_t chunk_told_ = 0;
  std::atomic<bool> audit_backlog_{true};  // not all of it is stored at the mixer; as of the last turn
  std::atomic<bool> resend_chain_{false};  // set by resend_chain(), taken back by the next turn
  std::vector<std::unique_ptr<snake::Subscription>> subscriptions_;
};

}  // namespace fluxrig::rack
