#include <fmt/format.h>

#include <algorithm>

#include "model/map_codec.hpp"
#include "model/record_codec.hpp"
#include "model/record_keys.hpp"

namespace fluxrig::model {
namespace {

void encode_value(const Value& value, cbor::Encoder& encoder) {
  if (const auto* text = std::get_if<std::string>(&value)) return encoder.text(*text);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return encoder.integer(*integer);
  if (const auto* number = std::get_if<double>(&value)) return encoder.float64(*number);
  encoder.boolean(std::get<bool>(value));
}

// An array of key, value, key, value...: it keeps the order of the record, which a deterministic map cannot.
void encode_attributes(const std::vector<Attribute>& attributes, MapWriter& map) {
  if (attributes.empty()) return;
  const std::size_t count = std::min(attributes.size(), kMaxAttributes);
  cbor::Encoder& encoder = map.key(key::kAttributes);
  encoder.array(2 * count);
  for (std::size_t i = 0; i < count; ++i) {
    encoder.text(attributes[i].key);
    encode_value(attributes[i].value, encoder);
  }
}

// What the limit cut is counted, not lost silently.
void encode_dropped(std::uint32_t dropped_before, std::size_t attributes, MapWriter& map) {
  const std::size_t cut = attributes - std::min(attributes, kMaxAttributes);
  map.unless_zero(key::kDroppedAttributes, std::uint64_t{dropped_before} + cut);
}

void encode_redactions(const std::vector<std::string>& redactions, MapWriter& map) {
  if (redactions.empty()) return;
  const bool is_cut = redactions.size() > kMaxRedactions;
  const std::size_t whole = is_cut ? kMaxRedactions - 1 : redactions.size();
  cbor::Encoder& encoder = map.key(key::kRedactions);
  encoder.array(is_cut ? kMaxRedactions : whole);
  for (std::size_t i = 0; i < whole; ++i) encoder.text(redactions[i]);
  if (is_cut) encoder.text(fmt::format("and {} more", redactions.size() - whole));
}

void encode_links(const std::vector<Link>& links, MapWriter& transaction, Bytes& out) {
  if (links.empty()) return;
  FR_ASSERT(links.size() <= kMaxLinks);  // the draft holds fewer
  transaction.key(key::kLinks).array(links.size());
  for (const Link& link : links) {
    MapWriter map(out);
    map.key(key::kLinkTraceId).bytes(link.trace_id.view());
    map.key(key::kLinkSpanId).bytes(link.span_id.view());
    map.unless_zero(key::kLinkFluxId, link.flux_id);
    map.unless_empty(key::kLinkRelation, link.relation);
  }
}

void encode_kind(RecordKind kind, MapWriter& map) {
  map.key(key::kKind).unsigned_integer(static_cast<std::uint8_t>(kind));
}

template <typename T>
void encode_span_ids(const T& span, MapWriter& map) {
  map.key(key::kFluxId).bytes(span.flux_id.view());
  map.key(key::kTraceId).bytes(span.trace_id.view());
  map.key(key::kSpanId).bytes(span.span_id.view());
  map.unless_zero(key::kParentSpanId, span.parent_span_id);
}

template <typename T>
void encode_span_body(const T& span, MapWriter& map) {
  map.unless_empty(key::kGear, span.gear);
  map.unless_empty(key::kName, span.name);
  map.key(key::kTime).integer(span.start.value);
  map.key(key::kEnd).integer(span.end.value);
  encode_attributes(span.attributes, map);
}

void encode_one(const Transaction& record, Bytes& out) {
  MapWriter map(out);
  encode_kind(RecordKind::kTransaction, map);
  encode_span_ids(record, map);
  encode_span_body(record, map);
  map.key(key::kTransactionSpanKind).unsigned_integer(static_cast<std::uint8_t>(record.kind));
  map.unless_zero(key::kTraceFlags, record.trace_flags);
  map.unless_empty(key::kTracestate, record.tracestate);
  map.key(key::kOutcome).unsigned_integer(static_cast<std::uint8_t>(record.outcome));
  map.unless_empty(key::kReason, record.reason);
  encode_redactions(record.redactions, map);
  map.unless_zero(key::kChildSpans, record.child_spans);
  encode_links(record.links, map, out);
  encode_dropped(record.dropped_attributes, record.attributes.size(), map);
}

void encode_one(const Span& record, Bytes& out) {
  MapWriter map(out);
  encode_kind(RecordKind::kSpan, map);
  encode_span_ids(record, map);
  encode_span_body(record, map);
  map.key(key::kSpanKind).unsigned_integer(static_cast<std::uint8_t>(record.kind));
  map.unless_zero(key::kStatus, static_cast<std::uint8_t>(record.status));
  map.unless_empty(key::kStatusMessage, record.status_message);
  encode_dropped(record.dropped_attributes, record.attributes.size(), map);
}

void encode_exemplar(const Exemplar& exemplar, Bytes& out) {
  MapWriter map(out);
  map.key(key::kExemplarTime).integer(exemplar.time.value);
  map.key(key::kExemplarValue).float64(exemplar.value);
  map.unless_zero(key::kExemplarTraceId, exemplar.trace_id);
  map.unless_zero(key::kExemplarSpanId, exemplar.span_id);
  map.unless_zero(key::kExemplarFluxId, exemplar.flux_id);
}

void encode_data(const Sum& sum, MapWriter& point, Bytes& out) {
  point.key(key::kSum);
  MapWriter map(out);
  map.key(key::kSumValue).float64(sum.value);
  map.key(key::kSumMonotonic).boolean(sum.monotonic);
}

void encode_data(const Gauge& gauge, MapWriter& point, Bytes&) {
  point.key(key::kGauge).float64(gauge.value);
}

void encode_data(const ExponentialHistogram& histogram, MapWriter& point, Bytes& out) {
  // The aggregator's own arrays are smaller: more would be its defect, not the input's.
  FR_ASSERT(histogram.buckets.size() <= kMaxBuckets && histogram.exemplars.size() <= kMaxExemplars);
  FR_ASSERT(histogram.scale >= kLeastScale && histogram.scale <= kMostScale);
  point.key(key::kHistogram);
  MapWriter map(out);
  map.key(key::kScale).integer(histogram.scale);
  map.key(key::kHistogramCount).unsigned_integer(histogram.count);
  map.key(key::kHistogramSum).float64(histogram.sum);
  map.key(key::kMin).float64(histogram.min);
  map.key(key::kMax).float64(histogram.max);
  map.unless_zero(key::kZeroCount, histogram.zero_count);
  map.key(key::kOffset).integer(histogram.offset);
  cbor::Encoder& buckets = map.key(key::kBuckets);
  buckets.array(histogram.buckets.size());
  for (const auto bucket : histogram.buckets) buckets.unsigned_integer(bucket);
  if (histogram.exemplars.empty()) return;
  map.key(key::kExemplars).array(histogram.exemplars.size());
  for (const auto& exemplar : histogram.exemplars) encode_exemplar(exemplar, out);
}

void encode_data(const ExplicitHistogram& histogram, MapWriter& point, Bytes& out) {
  FR_ASSERT(histogram.bounds.size() <= kMaxBounds && histogram.exemplars.size() <= kMaxExemplars);
  FR_ASSERT(histogram.counts.size() == histogram.bounds.size() + 1);
  point.key(key::kExplicit);
  MapWriter map(out);
  map.key(key::kExplicitCount).unsigned_integer(histogram.count);
  map.key(key::kExplicitSum).float64(histogram.sum);
  map.key(key::kExplicitMin).float64(histogram.min);
  map.key(key::kExplicitMax).float64(histogram.max);
  cbor::Encoder& bounds = map.key(key::kBounds);
  bounds.array(histogram.bounds.size());
  for (const double bound : histogram.bounds) bounds.float64(bound);
  cbor::Encoder& counts = map.key(key::kCounts);
  counts.array(histogram.counts.size());
  for (const auto count : histogram.counts) counts.unsigned_integer(count);
  if (histogram.exemplars.empty()) return;
  map.key(key::kExplicitExemplars).array(histogram.exemplars.size());
  for (const auto& exemplar : histogram.exemplars) encode_exemplar(exemplar, out);
}

void encode_one(const MetricPoint& record, Bytes& out) {
  FR_ASSERT(record.attributes.size() <= kMaxAttributes);  // they are the identity of a series of ours
  MapWriter map(out);
  encode_kind(RecordKind::kMetricPoint, map);
  map.unless_empty(key::kGear, record.gear);
  map.key(key::kName).text(record.name);
  map.key(key::kTime).integer(record.start.value);
  map.key(key::kEnd).integer(record.time.value);
  encode_attributes(record.attributes, map);
  map.unless_empty(key::kUnit, record.unit);
  std::visit([&](const auto& data) { encode_data(data, map, out); }, record.data);
}

void encode_one(const Log& record, Bytes& out) {
  MapWriter map(out);
  encode_kind(RecordKind::kLog, map);
  map.unless_zero(key::kFluxId, record.flux_id);
  map.unless_zero(key::kTraceId, record.trace_id);
  map.unless_zero(key::kSpanId, record.span_id);
  map.unless_empty(key::kGear, record.gear);
  map.unless_empty(key::kName, record.event_name);
  map.key(key::kTime).integer(record.time.value);
  encode_attributes(record.attributes, map);
  map.key(key::kSeverity).unsigned_integer(record.severity);
  map.unless_empty(key::kBody, record.body);
  encode_dropped(record.dropped_attributes, record.attributes.size(), map);
}

void encode_one(const Intent& record, Bytes& out) {
  MapWriter map(out);
  encode_kind(RecordKind::kIntent, map);
  map.key(key::kFluxId).bytes(record.flux_id.view());
  map.key(key::kTraceId).bytes(record.trace_id.view());
  map.key(key::kSpanId).bytes(record.span_id.view());
  map.unless_empty(key::kGear, record.gear);
  map.unless_empty(key::kName, record.name);
  map.key(key::kTime).integer(record.time.value);
  encode_attributes(record.attributes, map);
  encode_redactions(record.redactions, map);
  encode_dropped(record.dropped_attributes, record.attributes.size(), map);
}

}  // namespace

void encode(const Record& record, Bytes& out) {
  std::visit([&](const auto& one) { encode_one(one, out); }, record);
}

}  // namespace fluxrig::model
