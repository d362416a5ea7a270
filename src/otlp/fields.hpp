// The messages of opentelemetry-proto 1.5 as far as we send or keep them: number in protobuf, name in
// OTLP/JSON. Internal to the module.
#pragma once

#include <cstdint>
#include <string_view>

namespace fluxrig::otlp {

struct Field {
  std::uint32_t number;
  std::string_view name;
};

// The requests of the three signals have one shape: resources, in them scopes, in them items.
struct RequestFields {
  Field resources;
  Field scopes;
  Field items;
};
inline constexpr RequestFields kTraceRequest = {{1, "resourceSpans"}, {2, "scopeSpans"}, {2, "spans"}};
inline constexpr RequestFields kMetricsRequest = {
    {1, "resourceMetrics"}, {2, "scopeMetrics"}, {2, "metrics"}};
inline constexpr RequestFields kLogsRequest = {{1, "resourceLogs"}, {2, "scopeLogs"}, {2, "logRecords"}};

namespace envelope {  // ResourceSpans, ScopeSpans and their kin; Resource; InstrumentationScope
inline constexpr Field kResource{1, "resource"};
inline constexpr Field kScope{1, "scope"};
inline constexpr Field kSchemaUrl{3, "schemaUrl"};
inline constexpr Field kResourceAttributes{1, "attributes"};
inline constexpr Field kScopeName{1, "name"};
inline constexpr Field kScopeVersion{2, "version"};
}  // namespace envelope

namespace value {  // KeyValue, AnyValue, ArrayValue
inline constexpr Field kKey{1, "key"};
inline constexpr Field kValue{2, "value"};
inline constexpr Field kText{1, "stringValue"};
inline constexpr Field kBoolean{2, "boolValue"};
inline constexpr Field kInteger{3, "intValue"};
inline constexpr Field kReal{4, "doubleValue"};
inline constexpr Field kArray{5, "arrayValue"};
inline constexpr Field kKeyValues{6, "kvlistValue"};
inline constexpr Field kBytes{7, "bytesValue"};
inline constexpr Field kValues{1, "values"};
}  // namespace value

namespace span {  // Span, Status
inline constexpr Field kTraceId{1, "traceId"};
inline constexpr Field kSpanId{2, "spanId"};
inline constexpr Field kTraceState{3, "traceState"};
inline constexpr Field kParentSpanId{4, "parentSpanId"};
inline constexpr Field kName{5, "name"};
inline constexpr Field kKind{6, "kind"};
inline constexpr Field kStart{7, "startTimeUnixNano"};
inline constexpr Field kEnd{8, "endTimeUnixNano"};
inline constexpr Field kAttributes{9, "attributes"};
inline constexpr Field kDroppedAttributes{10, "droppedAttributesCount"};
inline constexpr Field kEvents{11, "events"};
inline constexpr Field kDroppedEvents{12, "droppedEventsCount"};
inline constexpr Field kLinks{13, "links"};
inline constexpr Field kDroppedLinks{14, "droppedLinksCount"};
inline constexpr Field kStatus{15, "status"};
inline constexpr Field kFlags{16, "flags"};
inline constexpr Field kStatusMessage{2, "message"};
inline constexpr Field kStatusCode{3, "code"};
}  // namespace span

namespace span_link {  // Span.Link
inline constexpr Field kTraceId{1, "traceId"};
inline constexpr Field kSpanId{2, "spanId"};
inline constexpr Field kTraceState{3, "traceState"};
inline constexpr Field kAttributes{4, "attributes"};
inline constexpr Field kFlags{6, "flags"};
}  // namespace span_link

namespace metric {  // Metric, Gauge, Sum, ExponentialHistogram
inline constexpr Field kName{1, "name"};
inline constexpr Field kUnit{3, "unit"};
inline constexpr Field kGauge{5, "gauge"};
inline constexpr Field kSum{7, "sum"};
inline constexpr Field kHistogram{9, "histogram"};
inline constexpr Field kExponentialHistogram{10, "exponentialHistogram"};
inline constexpr Field kDataPoints{1, "dataPoints"};
inline constexpr Field kTemporality{2, "aggregationTemporality"};
inline constexpr Field kIsMonotonic{3, "isMonotonic"};
}  // namespace metric

namespace number_point {  // NumberDataPoint
inline constexpr Field kStart{2, "startTimeUnixNano"};
inline constexpr Field kTime{3, "timeUnixNano"};
inline constexpr Field kReal{4, "asDouble"};
inline constexpr Field kAttributes{7, "attributes"};
}  // namespace number_point

namespace histogram_point {  // ExponentialHistogramDataPoint, Buckets
inline constexpr Field kAttributes{1, "attributes"};
inline constexpr Field kStart{2, "startTimeUnixNano"};
inline constexpr Field kTime{3, "timeUnixNano"};
inline constexpr Field kCount{4, "count"};
inline constexpr Field kSum{5, "sum"};
inline constexpr Field kScale{6, "scale"};
inline constexpr Field kZeroCount{7, "zeroCount"};
inline constexpr Field kPositive{8, "positive"};
inline constexpr Field kExemplars{11, "exemplars"};
inline constexpr Field kMin{12, "min"};
inline constexpr Field kMax{13, "max"};
inline constexpr Field kOffset{1, "offset"};
inline constexpr Field kBucketCounts{2, "bucketCounts"};
}  // namespace histogram_point

namespace explicit_point {  // HistogramDataPoint
inline constexpr Field kStart{2, "startTimeUnixNano"};
inline constexpr Field kTime{3, "timeUnixNano"};
inline constexpr Field kCount{4, "count"};
inline constexpr Field kSum{5, "sum"};
inline constexpr Field kBucketCounts{6, "bucketCounts"};
inline constexpr Field kBounds{7, "explicitBounds"};
inline constexpr Field kExemplars{8, "exemplars"};
inline constexpr Field kAttributes{9, "attributes"};
inline constexpr Field kMin{11, "min"};
inline constexpr Field kMax{12, "max"};
}  // namespace explicit_point

namespace exemplar {
inline constexpr Field kTime{2, "timeUnixNano"};
inline constexpr Field kReal{3, "asDouble"};
inline constexpr Field kSpanId{4, "spanId"};
inline constexpr Field kTraceId{5, "traceId"};
inline constexpr Field kFilteredAttributes{7, "filteredAttributes"};
}  // namespace exemplar

namespace log {  // LogRecord
inline constexpr Field kTime{1, "timeUnixNano"};
inline constexpr Field kSeverityNumber{2, "severityNumber"};
inline constexpr Field kSeverityText{3, "severityText"};
inline constexpr Field kBody{5, "body"};
inline constexpr Field kAttributes{6, "attributes"};
inline constexpr Field kDroppedAttributes{7, "droppedAttributesCount"};
inline constexpr Field kFlags{8, "flags"};
inline constexpr Field kTraceId{9, "traceId"};
inline constexpr Field kSpanId{10, "spanId"};
inline constexpr Field kObservedTime{11, "observedTimeUnixNano"};
inline constexpr Field kEventName{12, "eventName"};
}  // namespace log

}  // namespace fluxrig::otlp
