// What of the batches is sent for one signal, in which order, before any byte is written. Internal to the
// module. One thread.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "otlp/encode.hpp"

namespace fluxrig::otlp {

struct Item {
  const Batch* batch;
  const model::Record* record;
  [[nodiscard]] const Resource* resource() const noexcept { return batch->resource; }
};

// What the spans of a transaction have of it.
struct Origin {
  std::uint8_t trace_flags = 0;
  std::string tracestate;  // of its child spans: with the threshold by which they were sampled
};

class Plan {
 public:
  Plan(model::Signal signal, std::span<const Batch> batches);
  Plan(const Plan&) = delete;  // origins_ points into itself
  Plan& operator=(const Plan&) = delete;

  [[nodiscard]] model::Signal signal() const noexcept { return signal_; }
  [[nodiscard]] const std::vector<Item>& items() const noexcept { return items_; }
  // Of the transaction that this span belongs to; nullptr: it is not in the batches.
  [[nodiscard]] const Origin* origin_of(const SpanId& span) const noexcept;

 private:
  void note_transactions(std::span<const Batch> batches);
  void note_span(const model::Span& span);
  void sort_metrics();

  model::Signal signal_;
  std::vector<Item> items_;
  std::deque<Origin> origins_;
  std::unordered_map<SpanId, const Origin*> by_span_;  // root spans and the child spans below them
};

// Points that one Metric holds: they agree in all but time, attributes and value.
[[nodiscard]] bool same_metric(const model::MetricPoint& a, const model::MetricPoint& b) noexcept;

}  // namespace fluxrig::otlp
