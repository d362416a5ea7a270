// Drains the ring: sanitises, encodes, hands audit records to the WAL and child spans and metrics to the
// telemetry lane. The core without a thread: `step` does what there is to do now. One thread; the loop around
// it is rack::PumpThread.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include "base/clock.hpp"
#include "model/records.hpp"
#include "tap/assemble.hpp"
#include "tap/exemplars.hpp"
#include "tap/http_metrics.hpp"
#include "tap/outputs.hpp"
#include "tap/ring.hpp"
#include "tap/sampling.hpp"

namespace fluxrig::tap {

// Security and control events from any thread, on their way to the audit lane. Bounded.
class EventQueue {
 public:
  static constexpr std::size_t kMaxEvents = 1024;
  // False: full; the caller counts it as refused.
  [[nodiscard]] bool offer(model::Log event);
  [[nodiscard]] std::vector<model::Log> take();
  [[nodiscard]] bool empty() const;

 private:
  mutable std::mutex mutex_;
  std::vector<model::Log> events_;
};

class Pump {
 public:
  // So many bytes of records go into one block, more only where one is much larger than those before it.
  static constexpr std::size_t kMaxBatchBytes = 128U << 10;
  static constexpr std::size_t kMinBatchBytes = 512;

  struct Parts {
    Ring& ring;
    EventQueue& events;
    Assembler assembler;
    TickConverter& ticks;
    AuditOutput& audit;
    TelemetryOutput& telemetry;
    const Clock& clock;
  };
  struct Progress {
    std::uint32_t records = 0;  // taken from the ring
    bool blocked = false;       // the audit lane refused; nothing was lost, the same records are tried again
    Error error;                // why, when blocked
  };

  Pump(const Parts& parts, Sampling sampling)
      : parts_(parts), sampling_(sampling), series_start_(parts.clock.now()) {}

  // Takes one batch, appends it and, when `sync` and anybody waits for that, makes it durable: `durable()`
  // then covers it. Otherwise the caller sees to it with sync(), soon. After a sync that failed every step
  // tries it again, and is blocked until one is good.
  [[nodiscard]] Progress step(bool sync);
  // Appended and not yet synced records are made durable.
  [[nodiscard]] Result<void> sync();
  // The record before this position, and all before it, are on disk.
  [[nodiscard]] RingPosition durable() const noexcept { return durable_; }
  [[nodiscard]] bool unsynced() const noexcept { return unsynced_; }

  // Records or events wait to be taken.
  [[nodiscard]] bool has_work() const {
    return !batch_.empty() || !parts_.ring.empty() || !parts_.events.empty();
  }
  void set_sampling(const Sampling& sampling) noexcept { sampling_ = sampling; }

  // Any thread: child spans of that share of the traces only, on top of the sampling; the others are counted
  // as dropped. 1: of all.
  void restrict_spans(double ratio) noexcept { span_ratio_.store(ratio, std::memory_order_relaxed); }
  // Any thread: how many bytes of records go into one block, within the bounds above. A block is the smallest
  // thing that the link can send.
  void set_batch_bytes(std::size_t bytes) noexcept;

  // Puts the current value of every series into the telemetry lane, those of HTTP requests too.
  void emit_metrics(const std::deque<GearMetrics>& gears);
  void emit(const sanitize::CleanRecord& record);
  // Who shows metrics to those who pull sees each point that is emitted. Before the first; null: nobody.
  void show_points_to(std::function<void(const sanitize::CleanRecord&)> show) { show_ = std::move(show); }
  // Of the rack as a whole; `cause` becomes the attribute fluxrig.cause when there is one.
  struct RackFigure {
    std::string_view name;
    std::string_view unit;
    std::uint64_t value = 0;
    std::string_view cause = {};
  };
  void emit_sum(const RackFigure& figure);    // a counter
  void emit_gauge(const RackFigure& figure);  // as it is now

  [[nodiscard]] std::uint64_t transactions() const noexcept { return transactions_; }

 private:
  [[nodiscard]] model::MetricPoint point_of(const RackFigure& figure) const;
  void emit_point(model::MetricPoint point);
  void fill_batch();
  void add_intent(const RecordView& record);
  void add_transaction(const RecordView& record);
  void keep_spans(const RecordView& record);
  void count_unkept(const RecordView& record);
  [[nodiscard]] Result<void> append_batch();

  Parts parts_;
  Sampling sampling_;
  std::atomic<double> span_ratio_{1.0};                   // alone: relaxed
  std::atomic<std::size_t> batch_bytes_{kMaxBatchBytes};  // alone: relaxed
  UnixNanos series_start_;                                // start time of the cumulative series
  sanitize::CleanRecords batch_;                          // audit records that are not yet appended
  RingPosition batch_end_;                                // of the last ring record in batch_
  RingPosition appended_;
  RingPosition durable_;
  bool unsynced_ = false;
  bool sync_failed_ = false;  // the last one
  bool awaited_ = false;      // somebody waits for what is in the batch or not yet synced
  std::uint64_t transactions_ = 0;
  std::uint32_t taken_ = 0;
  // Reused, so that encoding allocates nothing once warm.
  sanitize::CleanRecord transaction_ = sanitize::CleanRecord::empty<model::Transaction>();
  sanitize::CleanRecord intent_ = sanitize::CleanRecord::empty<model::Intent>();
  sanitize::CleanRecord span_ = sanitize::CleanRecord::empty<model::Span>();
  sanitize::CleanRecords telemetry_;
  Exemplars exemplars_;
  HttpMetrics http_;
  std::vector<model::MetricPoint> points_;
  std::function<void(const sanitize::CleanRecord&)> show_;
};

}  // namespace fluxrig::tap
