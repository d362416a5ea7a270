// Lane P2: encoded records wait here, in batches, for the tunnel. Bounded in bytes; beyond the bound the
// newest are dropped and counted, so that what is stored has no holes in its middle. A batch never spans two
// hours, and gets its sequences when it is closed: gapless within the epoch. One producer thread (the pump),
// one consumer thread (the link).
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <mutex>
#include <optional>

#include "base/clock.hpp"
#include "lane/drops.hpp"
#include "lane/telemetry_block.hpp"
#include "lane/telemetry_ledger.hpp"
#include "tap/outputs.hpp"

namespace fluxrig::lane {

class TelemetryQueue final : public tap::TelemetryOutput {
 public:
  struct Limits {
    std::size_t queue_bytes = 4U << 20;
    std::size_t batch_bytes = 24U << 10;            // a batch of this size is closed: one message on the bus
    std::int64_t batch_age = 200 * kNanosPerMilli;  // and one of this age
    std::size_t record_bytes = 64U << 10;
  };

  TelemetryQueue(const Clock& clock, TelemetryLedger& ledger, DropCounters& drops, Limits limits)
      : clock_(clock), ledger_(ledger), drops_(drops), limits_(limits), batch_bytes_(limits.batch_bytes) {}

  // Before the first record.
  void begin_epoch(Epoch epoch);
  // Any thread: batches are closed at this size, or at the limits' if that is less. A batch is the smallest
  // thing that the link can send.
  void set_batch_bytes(std::size_t bytes) noexcept { batch_bytes_.store(bytes, std::memory_order_relaxed); }
  // Nobody will ever take anything: from now on all is dropped, and counted as such.
  void disable();

  void offer(model::Signal signal, const sanitize::CleanRecords& one) override { offer(signal, one.bytes()); }
  // The same for the bytes of a test; a program has only what passed the gate.
  void offer(model::Signal signal, ByteView record);
  void count_dropped(DropCause cause, model::Signal signal, std::uint64_t records) override;

  // The oldest closed batch; with `flush`, the open one as well.
  [[nodiscard]] std::optional<TelemetryBatch> take(bool flush);
  // A batch is closed, or old enough.
  [[nodiscard]] bool ready() const;
  // When the open batch will be old enough; nullopt when there is none.
  [[nodiscard]] std::optional<MonotonicNanos> next_ready() const;

  // Before the ledger is stated: all drops so far are in it, and all batches of hours that are over.
  void settle();
  // The same, and the open batch too: nothing more is offered.
  void finish();

  [[nodiscard]] std::size_t queued_bytes() const;
  [[nodiscard]] std::uint64_t accepted() const noexcept { return accepted_.load(std::memory_order_relaxed); }

 private:
  // Drops that the ledger does not have yet, all of one hour: one lock of it for many.
  struct Tally {
    model::Hour hour;
    std::array<model::SignalCounts, kDropCauses> dropped;
    bool any = false;
  };

  [[nodiscard]] bool open_is_due() const;
  [[nodiscard]] bool open_is_of(UnixNanos now) const noexcept;
  void close_open();
  void count(UnixNanos now, DropCause cause, model::SignalCounts records);
  void hand_over_tally();

  const Clock& clock_;
  TelemetryLedger& ledger_;
  DropCounters& drops_;
  Limits limits_;
  std::atomic<std::size_t> batch_bytes_;  // alone: relaxed
  mutable std::mutex mutex_;              // guards all below
  std::deque<TelemetryBatch> closed_;
  TelemetryBatch open_;
  model::Hour hour_;  // of open_
  Tally tally_;
  Epoch epoch_;
  std::uint64_t next_ = 1;  // sequence
  std::size_t bytes_ = 0;
  std::size_t usual_bytes_ = 0;  // of the batch before: what the next one will need
  bool disabled_ = false;
  std::atomic<std::uint64_t> accepted_{0};
};

}  // namespace fluxrig::lane
