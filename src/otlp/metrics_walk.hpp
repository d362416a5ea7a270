// The data points of a Metric. Internal to the module.
#pragma once

#include "otlp/attributes.hpp"
#include "otlp/encode.hpp"

namespace fluxrig::otlp {

template <typename Writer>
void write_exemplar(Writer& writer, const model::Exemplar& one) {
  time(writer, exemplar::kTime, one.time);
  writer.real(exemplar::kReal, one.value);
  id_unless_zero(writer, exemplar::kSpanId, one.span_id);
  id_unless_zero(writer, exemplar::kTraceId, one.trace_id);
  if (one.flux_id.is_zero()) return;
  const std::string flux_id = to_string(one.flux_id);
  Attributes attributes({});
  attributes.add("fluxrig.flux_id", flux_id);
  write_attributes(writer, exemplar::kFilteredAttributes, attributes);
}

template <typename Writer>
void write_exemplars(Writer& writer, Field field, const std::vector<model::Exemplar>& exemplars) {
  if (exemplars.empty()) return;
  writer.list(field, [&](auto& list) {
    for (const auto& one : exemplars) list.item([&](Writer& item) { write_exemplar(item, one); });
  });
}

[[nodiscard]] inline Attributes attributes_of(const model::MetricPoint& point) {
  Attributes attributes(point.attributes);
  attributes.add_unless_empty("fluxrig.gear", point.gear);
  return attributes;
}

template <typename Writer>
void write_number_point(Writer& writer, const model::MetricPoint& point, double value) {
  time(writer, number_point::kStart, point.start);
  time(writer, number_point::kTime, point.time);
  writer.real(number_point::kReal, value);
  write_attributes(writer, number_point::kAttributes, attributes_of(point));
}

template <typename Writer>
void write_histogram_point(Writer& writer, const model::MetricPoint& point,
                           const model::ExponentialHistogram& data, Temporality temporality) {
  write_attributes(writer, histogram_point::kAttributes, attributes_of(point));
  time(writer, histogram_point::kStart, point.start);
  time(writer, histogram_point::kTime, point.time);
  writer.fixed64(histogram_point::kCount, data.count);
  writer.real(histogram_point::kSum, data.sum);
  if (data.scale != 0) writer.sint32(histogram_point::kScale, data.scale);
  if (data.zero_count != 0) writer.fixed64(histogram_point::kZeroCount, data.zero_count);
  if (!data.buckets.empty())
    writer.message(histogram_point::kPositive, [&](Writer& buckets) {
      if (data.offset != 0) buckets.sint32(histogram_point::kOffset, data.offset);
      buckets.uint64s(histogram_point::kBucketCounts, data.buckets);
    });
  write_exemplars(writer, histogram_point::kExemplars, data.exemplars);
  // Of nothing there is no least and no greatest, and of a difference they are not known.
  if (data.count == 0 || temporality == Temporality::kDelta) return;
  writer.real(histogram_point::kMin, data.min);
  writer.real(histogram_point::kMax, data.max);
}

template <typename Writer>
void write_explicit_point(Writer& writer, const model::MetricPoint& point,
                          const model::ExplicitHistogram& data, Temporality temporality) {
  time(writer, explicit_point::kStart, point.start);
  time(writer, explicit_point::kTime, point.time);
  writer.fixed64(explicit_point::kCount, data.count);
  writer.real(explicit_point::kSum, data.sum);
  writer.fixed64s(explicit_point::kBucketCounts, data.counts);
  if (!data.bounds.empty()) writer.reals(explicit_point::kBounds, data.bounds);
  write_exemplars(writer, explicit_point::kExemplars, data.exemplars);
  write_attributes(writer, explicit_point::kAttributes, attributes_of(point));
  if (data.count == 0 || temporality == Temporality::kDelta) return;
  writer.real(explicit_point::kMin, data.min);
  writer.real(explicit_point::kMax, data.max);
}

template <typename Writer>
void write_point(Writer& writer, const model::MetricPoint& point, Temporality temporality) {
  if (const auto* histogram = std::get_if<model::ExponentialHistogram>(&point.data))
    return write_histogram_point(writer, point, *histogram, temporality);
  if (const auto* histogram = std::get_if<model::ExplicitHistogram>(&point.data))
    return write_explicit_point(writer, point, *histogram, temporality);
  const auto* sum = std::get_if<model::Sum>(&point.data);
  write_number_point(writer, point, sum != nullptr ? sum->value : std::get<model::Gauge>(point.data).value);
}

[[nodiscard]] inline Field data_field(const model::MetricPoint& point) noexcept {
  if (std::holds_alternative<model::Sum>(point.data)) return metric::kSum;
  if (std::holds_alternative<model::Gauge>(point.data)) return metric::kGauge;
  return std::holds_alternative<model::ExplicitHistogram>(point.data) ? metric::kHistogram
                                                                      : metric::kExponentialHistogram;
}

// What Sum and the histograms say beside their points.
template <typename Writer>
void write_aggregation(Writer& writer, const model::MetricPoint& point, Temporality temporality) {
  if (std::holds_alternative<model::Gauge>(point.data)) return;
  const auto* sum = std::get_if<model::Sum>(&point.data);
  const bool may_fall = sum != nullptr && !sum->monotonic;
  writer.enumeration(metric::kTemporality,
                     static_cast<int>(may_fall ? Temporality::kCumulative : temporality));
  if (sum != nullptr && sum->monotonic) writer.boolean(metric::kIsMonotonic, true);
}

}  // namespace fluxrig::otlp
