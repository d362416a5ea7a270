#include "lane/telemetry_queue.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace fluxrig::lane {

void TelemetryQueue::begin_epoch(Epoch epoch) {
  const std::lock_guard lock(mutex_);
  FR_ASSERT(next_ == 1 && open_.count == 0);
  epoch_ = epoch;
}

void TelemetryQueue::disable() {
  const std::lock_guard lock(mutex_);
  disabled_ = true;
}

void TelemetryQueue::offer(model::Signal signal, ByteView record) {
  const UnixNanos now = clock_.now();
  const std::lock_guard lock(mutex_);
  if (disabled_) return count(now, DropCause::kDisabled, model::SignalCounts::of(signal, 1));
  if (record.size() > limits_.record_bytes)
    return count(now, DropCause::kOversize, model::SignalCounts::of(signal, 1));
  if (bytes_ + record.size() > limits_.queue_bytes)
    return count(now, DropCause::kQueueFull, model::SignalCounts::of(signal, 1));
  const std::size_t most = std::min(limits_.batch_bytes, batch_bytes_.load(std::memory_order_relaxed));
  if (open_.count != 0 && (!open_is_of(now) || open_.records.size() + record.size() > most)) close_open();
  if (open_.count == 0) {
    open_.time = now;
    hour_ = model::Hour::of(now);
    open_.oldest = clock_.monotonic();
    open_.records.reserve(usual_bytes_);
  }
  open_.records.insert(open_.records.end(), record.begin(), record.end());
  ++open_.count;
  ++open_.signals[signal];
  bytes_ += record.size();
  accepted_.fetch_add(1, std::memory_order_relaxed);
  if (open_.records.size() >= most) close_open();
}

void TelemetryQueue::count_dropped(DropCause cause, model::Signal signal, std::uint64_t records) {
  const UnixNanos now = clock_.now();
  const std::lock_guard lock(mutex_);
  count(now, cause, model::SignalCounts::of(signal, records));
}

void TelemetryQueue::count(UnixNanos now, DropCause cause, model::SignalCounts records) {
  const auto hour = model::Hour::of(now);
  if (hour != tally_.hour) hand_over_tally();
  tally_.hour = hour;
  tally_.dropped[static_cast<std::size_t>(cause)] += records;
  tally_.any = true;
  drops_.add(cause, records.total());
}

void TelemetryQueue::hand_over_tally() {
  if (!tally_.any) return;
  for (std::size_t i = 0; i < kDropCauses; ++i)
    if (tally_.dropped[i].total() != 0)
      ledger_.add_dropped(tally_.hour, static_cast<DropCause>(i), tally_.dropped[i]);
  tally_ = Tally{tally_.hour, {}, false};
}

bool TelemetryQueue::open_is_of(UnixNanos now) const noexcept {
  return now >= hour_.start() && now < hour_.end();
}

void TelemetryQueue::close_open() {
  FR_ASSERT(epoch_.value != 0);
  open_.epoch = epoch_;
  open_.first = {next_};
  next_ += open_.count;
  usual_bytes_ = open_.records.size();
  // What waits is bounded by its size, so it may not hold much more than that.
  if (open_.records.capacity() > 2 * open_.records.size()) open_.records.shrink_to_fit();
  ledger_.add_produced(hour_, open_.signals);
  closed_.push_back(std::exchange(open_, {}));
  hand_over_tally();
}

bool TelemetryQueue::open_is_due() const {
  return open_.count != 0 && clock_.monotonic().value - open_.oldest.value >= limits_.batch_age;
}

std::optional<TelemetryBatch> TelemetryQueue::take(bool flush) {
  const std::lock_guard lock(mutex_);
  if (closed_.empty() && open_.count != 0 && (flush || open_is_due())) close_open();
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

void TelemetryQueue::settle() {
  const UnixNanos now = clock_.now();
  const std::lock_guard lock(mutex_);
  if (open_.count != 0 && !open_is_of(now)) close_open();
  hand_over_tally();
}

void TelemetryQueue::finish() {
  const std::lock_guard lock(mutex_);
  if (open_.count != 0) close_open();
  hand_over_tally();
}

std::size_t TelemetryQueue::queued_bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace fluxrig::lane
