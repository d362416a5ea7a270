#include "otlp/plan.hpp"

#include <algorithm>
#include <tuple>

#include "base/assert.hpp"
#include "trace/probability.hpp"

namespace fluxrig::otlp {
namespace {

bool is_of(model::Signal signal, const model::Record& record) noexcept {
  if (std::holds_alternative<model::Intent>(record)) return false;
  if (std::holds_alternative<model::Transaction>(record)) return signal != model::Signal::kMetrics;
  return signal == model::signal_of(record);
}

const model::MetricPoint& point_of(const Item& item) { return std::get<model::MetricPoint>(*item.record); }

auto metric_key(const model::MetricPoint& point) noexcept {
  const auto* sum = std::get_if<model::Sum>(&point.data);
  return std::tuple(std::string_view(point.name), std::string_view(point.unit), point.data.index(),
                    sum != nullptr && sum->monotonic);
}

// Without the attribute each kept span stands for itself: threshold 0 (docs/telemetry.md, Sampling).
std::string_view threshold_of(const model::Transaction& transaction) {
  for (const auto& attribute : transaction.attributes)
    if (attribute.key == "fluxrig.sampling.threshold")
      if (const auto* text = std::get_if<std::string>(&attribute.value)) return *text;
  return "0";
}

}  // namespace

bool same_metric(const model::MetricPoint& a, const model::MetricPoint& b) noexcept {
  return metric_key(a) == metric_key(b);
}

Plan::Plan(model::Signal signal, std::span<const Batch> batches) : signal_(signal) {
  std::size_t most = 0;
  for (const auto& batch : batches) {
    FR_ASSERT(batch.resource != nullptr);
    most += batch.records.size();
  }
  items_.reserve(most);
  if (signal != model::Signal::kMetrics) note_transactions(batches);
  for (const auto& batch : batches)
    for (const auto& record : batch.records) {
      if (!is_of(signal, record)) continue;
      items_.push_back({&batch, &record});
      if (const auto* span = std::get_if<model::Span>(&record)) note_span(*span);
    }
  if (signal == model::Signal::kMetrics) sort_metrics();
}

const Origin* Plan::origin_of(const SpanId& span) const noexcept {
  const auto found = by_span_.find(span);
  return found == by_span_.end() ? nullptr : found->second;
}

void Plan::note_transactions(std::span<const Batch> batches) {
  for (const auto& batch : batches)
    for (const auto& record : batch.records)
      if (const auto* one = std::get_if<model::Transaction>(&record)) {
        Origin& origin = origins_.emplace_back();
        origin.trace_flags = one->trace_flags;
        if (one->child_spans != 0)
          origin.tracestate = trace::with_threshold(one->tracestate, threshold_of(*one));
        by_span_.emplace(one->span_id, &origin);
      }
}

// A rack sends parents before their children, so those further down find their transaction as well.
void Plan::note_span(const model::Span& span) {
  if (const Origin* origin = origin_of(span.parent_span_id); origin != nullptr)
    by_span_.emplace(span.span_id, origin);
}

void Plan::sort_metrics() {
  const auto before = [](const Item& a, const Item& b) {
    return metric_key(point_of(a)) < metric_key(point_of(b));
  };
  for (auto first = items_.begin(); first != items_.end();) {
    const auto last = std::find_if(first, items_.end(),
                                   [&](const Item& item) { return item.resource() != first->resource(); });
    std::stable_sort(first, last, before);
    first = last;
  }
}

}  // namespace fluxrig::otlp
