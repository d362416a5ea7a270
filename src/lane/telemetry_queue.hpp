// Lane P2: encoded records wait here, in batches, for the tunnel. Bounded in bytes; beyond the bound the
// newest are dropped and counted, so that what is stored has no holes in its middle. One producer thread (the
// pump), one consumer thread (the link).
#pragma once

#include <atomic>
#include <deque>
#include <mutex>
#include <optional>

#include "base/clock.hpp"
#include "lane/drops.hpp"
#include "tap/outputs.hpp"

namespace fluxrig::lane {

struct TelemetryBatch {
  Bytes records;  // concatenated record items
  std::uint32_t count = 0;
  MonotonicNanos oldest;
};

class TelemetryQueue final : public tap::TelemetryOutput {
 public:
  struct Limits {
    std::size_t queue_bytes = 4U << 20;
    std::size_t batch_bytes = 24U << 10;            // a batch of this size is closed: one message on the bus
    std::int64_t batch_age = 200 * kNanosPerMilli;  // and one of this age
    std::size_t record_bytes = 64U << 10;
  };

  TelemetryQueue(const Clock& clock, DropCounters& drops, Limits limits)
      : clock_(clock), drops_(drops), limits_(limits) {}

  void offer(ByteView record) override;
  void count_ring_drops(std::uint64_t records) override { drops_.add(DropCause::kRingFull, records); }

  // The oldest closed batch; with `flush`, the open one as well.
  [[nodiscard]] std::optional<TelemetryBatch> take(bool flush);
  // A batch is closed, or old enough.
  [[nodiscard]] bool ready() const;
  // When the open batch will be old enough; nullopt when there is none.
  [[nodiscard]] std::optional<MonotonicNanos> next_ready() const;

  [[nodiscard]] std::size_t queued_bytes() const;
  [[nodiscard]] std::uint64_t accepted() const noexcept { return accepted_.load(std::memory_order_relaxed); }

 private:
  [[nodiscard]] bool open_is_due() const;

  const Clock& clock_;
  DropCounters& drops_;
  Limits limits_;
  mutable std::mutex mutex_;  // guards all below
  std::deque<TelemetryBatch> closed_;
  TelemetryBatch open_;
  std::size_t bytes_ = 0;
  std::atomic<std::uint64_t> accepted_{0};
};

}  // namespace fluxrig::lane
