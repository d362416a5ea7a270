// Metric points as text for those who pull: OpenMetrics 1.0 with exemplars, or Prometheus's text format
// 0.0.4. Names and units as OpenTelemetry's specification of Prometheus compatibility has them:
// http.server.request.duration (s) is http_server_request_duration_seconds. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "model/records.hpp"

namespace fluxrig::otlp {

struct RackPoint {
  std::string rack;  // its name; empty: the process's own, with neither label
  MachineId machine_id;
  model::MetricPoint point;
};

enum class MetricText : std::uint8_t { kPrometheus, kOpenMetrics };

// What the Accept header of a request asks for: OpenMetrics only when it names it.
[[nodiscard]] MetricText metric_text_of(std::string_view accept) noexcept;
[[nodiscard]] std::string_view content_type(MetricText text) noexcept;

// A point has the exemplars of its own interval only, and who pulls comes less often than that: those of the
// point before it stay beside them, the latest kMostExemplars of all.
inline constexpr std::size_t kMostExemplars = 16;
void carry_exemplars(const model::MetricPoint& before, model::MetricPoint& now);

// Points of one metric are neighbours, as boards have them. Those whose kind or unit differs from
// the first of their name are left out, since a name has one type. Exponential histograms become classic ones
// of at most 20 buckets.
[[nodiscard]] std::string render_metrics(std::span<const RackPoint> points, MetricText text);

}  // namespace fluxrig::otlp
