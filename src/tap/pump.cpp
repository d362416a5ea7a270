#include "tap/pump.hpp"

#include <algorithm>

#include "model/record_codec.hpp"

namespace fluxrig::tap {

bool EventQueue::offer(model::Log event) {
  const std::lock_guard lock(mutex_);
  if (events_.size() >= kMaxEvents) return false;
  events_.push_back(std::move(event));
  return true;
}

std::vector<model::Log> EventQueue::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(events_, {});
}

bool EventQueue::empty() const {
  const std::lock_guard lock(mutex_);
  return events_.empty();
}

void Pump::emit(const sanitize::CleanRecord& record) {
  telemetry_.clear();
  telemetry_.add(record);
  parts_.telemetry.offer(model::signal_of(record.value()), telemetry_);
}

void Pump::emit_sum(const RackFigure& figure) {
  auto point = point_of(figure);
  point.data = model::Sum{static_cast<double>(figure.value), true};
  emit_point(std::move(point));
}

void Pump::emit_gauge(const RackFigure& figure) {
  auto point = point_of(figure);
  point.data = model::Gauge{static_cast<double>(figure.value)};
  emit_point(std::move(point));
}

void Pump::emit_point(model::MetricPoint point) {
  const auto searched = sanitize::clean(std::move(point));
  emit(searched);
  if (show_) show_(searched);
}

model::MetricPoint Pump::point_of(const RackFigure& figure) const {
  model::MetricPoint point;
  point.name = figure.name;
  point.unit = figure.unit;
  point.start = series_start_;
  point.time = parts_.clock.now();
  if (!figure.cause.empty()) point.attributes.push_back({"fluxrig.cause", std::string(figure.cause)});
  return point;
}

void Pump::fill_batch() {
  for (auto& event : parts_.events.take()) {
    batch_.add(sanitize::clean(std::move(event)));
    awaited_ = true;
  }
  const std::size_t most = batch_bytes_.load(std::memory_order_relaxed);
  // How large the next record will be is only known afterwards: as large as the others of this batch.
  while (batch_.empty() || batch_.size() + batch_.size() / batch_.count() <= most) {
    const ByteView bytes = parts_.ring.peek();
    if (bytes.empty()) break;
    const RecordView record(bytes);
    awaited_ = awaited_ || record.head().awaited;
    if (record.head().entry == Entry::kIntent)
      add_intent(record);
    else
      add_transaction(record);
    ++taken_;
    // The batch now holds all of it: the ring's room is free before the disk is asked.
    batch_end_ = parts_.ring.release();
  }
}

void Pump::add_intent(const RecordView& record) {
  parts_.assembler.intent(record, intent_);
  batch_.add(intent_);
}

void Pump::add_transaction(const RecordView& record) {
  const RecordHead& head = record.head();
  const auto caller = trace::parse_probability(record.tracestate());
  const auto randomness = trace::randomness_of(head.trace_id, caller);
  const auto wanted =
      sampling_.threshold(head, caller, parts_.ticks.to_nanos(head.end.value - head.start.value));
  const auto threshold = std::max(wanted, trace::threshold_of(span_ratio_.load(std::memory_order_relaxed)));
  const bool keeps_spans = randomness >= threshold;
  parts_.assembler.transaction(record, keeps_spans && head.spans != 0 ? threshold : 0, transaction_);
  batch_.add(transaction_);
  ++transactions_;
  http_.see(std::get<model::Transaction>(transaction_.value()), keeps_spans);
  if (head.spans_made > head.spans)
    parts_.telemetry.count_dropped(model::DropCause::kRingFull, model::Signal::kSpans,
                                   head.spans_made - head.spans);
  if (keeps_spans) return keep_spans(record);
  count_unkept(record);
  if (randomness >= wanted)
    parts_.telemetry.count_dropped(model::DropCause::kRestrictedSampling, model::Signal::kSpans, head.spans);
}

void Pump::keep_spans(const RecordView& record) {
  const RecordHead& head = record.head();
  model::Exemplar exemplar;
  exemplar.time = parts_.ticks.to_unix(head.end);
  exemplar.trace_id = head.trace_id;
  exemplar.flux_id = head.flux_id;
  exemplar.span_id = head.span_id;
  exemplar.value = static_cast<double>(parts_.ticks.to_nanos(head.end.value - head.start.value));
  exemplars_.see(head.gear, exemplar);
  for (std::size_t i = 0; i < head.spans; ++i) {
    parts_.assembler.span(record, i, span_);
    http_.see(std::get<model::Span>(span_.value()), true);
    emit(span_);
    const SpanSlot slot = record.span(i);
    exemplar.span_id = record.span_id(i);
    exemplar.value = static_cast<double>(parts_.ticks.to_nanos(slot.end.value - slot.start.value));
    exemplars_.see(slot.gear, exemplar);
  }
}

// Spans that are not kept count all the same: those of calls that have attributes, which only HTTP ones do.
void Pump::count_unkept(const RecordView& record) {
  std::uint32_t of_spans = 0;
  record.each_attribute([&](const RecordView::Attribute& attribute) {
    if (attribute.span < record.head().spans) of_spans |= std::uint32_t{1} << attribute.span;
  });
  static_assert(kMaxSpans <= 32);
  for (std::size_t i = 0; of_spans != 0; ++i, of_spans >>= 1) {
    if ((of_spans & 1) == 0) continue;
    parts_.assembler.span(record, i, span_);
    http_.see(std::get<model::Span>(span_.value()), false);
  }
}

void Pump::set_batch_bytes(std::size_t bytes) noexcept {
  batch_bytes_.store(std::clamp(bytes, kMinBatchBytes, kMaxBatchBytes), std::memory_order_relaxed);
}

Result<void> Pump::append_batch() {
  if (batch_.empty()) return {};
  if (auto appended = parts_.audit.append(batch_); !appended) return appended;
  batch_.clear();
  appended_ = batch_end_;
  unsynced_ = true;
  return {};
}

Result<void> Pump::sync() {
  auto synced = parts_.audit.sync();
  sync_failed_ = !synced;
  if (!synced) return synced;
  durable_ = appended_;
  unsynced_ = false;
  awaited_ = false;
  return {};
}

Pump::Progress Pump::step(bool sync_now) {
  taken_ = 0;
  // What a full disk left behind goes first, by itself: order is kept and memory stays one batch.
  const bool left_behind = !batch_.empty();
  if (!left_behind) fill_batch();
  std::size_t bytes = batch_.size();
  auto done = append_batch();
  // Small blocks, for a narrow link, share one sync all the same.
  while (done && !left_behind && bytes < kMaxBatchBytes && !parts_.ring.empty()) {
    fill_batch();
    bytes += batch_.size();
    done = append_batch();
  }
  // An append says nothing of a disk that refused a sync: until one is good, the lane counts as blocked.
  if (done && (sync_failed_ || (sync_now && awaited_ && unsynced()))) done = sync();
  Progress progress;
  progress.records = taken_;
  if (!done) {
    progress.blocked = true;
    progress.error = done.error();
  }
  return progress;
}

void Pump::emit_metrics(const std::deque<GearMetrics>& gears) {
  points_.clear();
  const UnixNanos now = parts_.clock.now();
  for (const auto& gear : gears) {
    parts_.assembler.metrics(gear, series_start_, now, points_);
    // The histogram is the last point of a gear.
    if (auto* histogram = std::get_if<model::ExponentialHistogram>(&points_.back().data);
        histogram != nullptr)
      histogram->exemplars = exemplars_.take(gear.gear);
  }
  http_.emit(series_start_, now, points_);
  for (auto& one : points_) emit_point(std::move(one));
}

}  // namespace fluxrig::tap
