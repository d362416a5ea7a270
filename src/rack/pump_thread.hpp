// The thread around tap::Pump: waits for records, commits them in groups, tells the runtime what is on disk,
// emits metrics, and keeps the audit lane's house. Owned by Rack; start and stop from its thread.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "lane/telemetry_ledger.hpp"
#include "rack/audit_lane.hpp"
#include "rack/doorbell.hpp"
#include "rack/runtime.hpp"
#include "rack/scenario.hpp"
#include "tap/pump.hpp"
#include "wal/work_thread.hpp"

namespace fluxrig::rack {

class PumpThread {
 public:
  struct Parts {
    tap::Pump& pump;
    tap::TickConverter& ticks;
    AuditLane& audit;
    Doorbell& bell;
    Admission& admission;
    const Clock& clock;
    Diagnostics& diagnostics;
    Durability durability = Durability::kCommit;
    std::chrono::milliseconds interval{5};
    std::chrono::milliseconds metrics_interval{10'000};
    std::function<void(tap::RingPosition)> durable;  // any position that is newly on disk
    std::function<void()> worked;  // after each turn that found records: for the link's bell
    std::function<void(tap::Pump&)> emit_metrics;
    // Puts what is due of the telemetry's ledger into the pump's events; false: not all of it fitted.
    std::function<bool(lane::TelemetryLedger::Occasion)> state_ledger;
    bool refuse_on_reserve = true;  // telemetry.audit.on_full: refuse
  };

  explicit PumpThread(Parts parts) : parts_(std::move(parts)) {}
  ~PumpThread() { stop(); }
  PumpThread(const PumpThread&) = delete;
  PumpThread& operator=(const PumpThread&) = delete;

  void start();
  // Drains the ring, emits the last metrics, closes the WAL, joins. When the disk refuses, gives up after
  // kLastTry: what was not durable was not answered either.
  void stop();
  // Any thread; taken over before the next records.
  void set_sampling(const tap::Sampling& sampling);

  static constexpr std::int64_t kRetryBlocked = 100 * kNanosPerMilli;
  static constexpr std::int64_t kLookAtLedgerEvery = kNanosPerSecond;
  static constexpr std::int64_t kLastTry = 5 * kNanosPerSecond;
  static constexpr std::int64_t kAnchorEvery = kNanosPerSecond;
  static constexpr std::int64_t kGatherStep = kNanosPerMilli;
  // About twice what it takes to wake a thread on another core.
  static constexpr std::int64_t kLinger = 60 * kNanosPerMicro;

 private:
  void run();
  void turn();
  void finish();
  void note(const tap::Pump::Progress& progress);
  void gather();
  void sync_unawaited();
  void publish();
  void emit_when_due();
  void state_when_due();
  void drain(std::int64_t give_up);
  void rest(bool idle);
  [[nodiscard]] bool linger();
  void note_reserve();
  [[nodiscard]] std::chrono::milliseconds until_due() const;

  Parts parts_;
  std::optional<wal::WorkThread> helper_;  // of the pump's thread, for the WAL
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  bool blocked_ = false;
  bool on_reserve_ = false;
  bool lingers_ = false;                          // the last sleep was too short to be worth it
  std::optional<MonotonicNanos> unsynced_since_;  // appended, and nobody waits for it
  tap::RingPosition published_;
  MonotonicNanos anchored_at_;
  MonotonicNanos metrics_at_;
  MonotonicNanos ledger_at_;
  std::mutex mutex_;  // guards sampling_
  std::optional<tap::Sampling> sampling_;
};

}  // namespace fluxrig::rack
