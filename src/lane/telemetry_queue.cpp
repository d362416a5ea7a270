#include "lane/telemetry_queue.hpp"

namespace fluxrig::lane {

void TelemetryQueue::offer(ByteView record) {
  if (record.size() > limits_.record_bytes) return drops_.add(DropCause::kOversize, 1);
  const std::lock_guard lock(mutex_);
  if (bytes_ + record.size() > limits_.queue_bytes) return drops_.add(DropCause::kQueueFull, 1);
  if (open_.count == 0) open_.oldest = clock_.monotonic();
  open_.records.insert(open_.records.end(), record.begin(), record.end());
  ++open_.count;
  bytes_ += record.size();
  accepted_.fetch_add(1, std::memory_order_relaxed);
  if (open_.records.size() >= limits_.batch_bytes) closed_.push_back(std::exchange(open_, {}));
}

bool TelemetryQueue::open_is_due() const {
  return open_.count != 0 && clock_.monotonic().value - open_.oldest.value >= limits_.batch_age;
}

std::optional<TelemetryBatch> TelemetryQueue::take(bool flush) {
  const std::lock_guard lock(mutex_);
  if (closed_.empty() && open_.count != 0 && (flush || open_is_due()))
    closed_.push_back(std::exchange(open_, {}));
  if (closed_.empty()) return std::nullopt;
  TelemetryBatch batch = std::move(closed_.front());
  closed_.pop_front();
  bytes_ -= batch.records.size();
  return batch;
}

bool TelemetryQueue::ready() const {
  const std::lock_guard lock(mutex_);
  return !closed_.empty() || open_is_due();
}

std::optional<MonotonicNanos> TelemetryQueue::next_ready() const {
  const std::lock_guard lock(mutex_);
  if (open_.count == 0) return std::nullopt;
  return MonotonicNanos{open_.oldest.value + limits_.batch_age};
}

std::size_t TelemetryQueue::queued_bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace fluxrig::lane
