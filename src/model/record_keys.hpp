// Numbers of docs/formats/records.md. A number is never used again for something else. Internal to the
// module.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fluxrig::model {

inline constexpr std::size_t kMaxAttributes = 256;
inline constexpr std::size_t kMaxRedactions = 256;
inline constexpr std::size_t kMaxBuckets = 1024;
inline constexpr std::size_t kMaxExemplars = 64;
inline constexpr std::size_t kMaxBounds = 255;
inline constexpr std::size_t kMaxLinks = 16;
// OpenTelemetry's bounds of an exponential histogram's scale.
inline constexpr std::int32_t kLeastScale = -10;
inline constexpr std::int32_t kMostScale = 20;

enum class RecordKind : std::uint8_t {
  kTransaction = 1,
  kSpan = 2,
  kMetricPoint = 3,
  kLog = 4,
  kIntent = 5,
};

// The same in every kind of record.
namespace key {
enum Common : std::uint8_t {
  kKind = 0,
  kFluxId = 1,
  kTraceId = 2,
  kSpanId = 3,
  kParentSpanId = 4,
  kGear = 5,
  kName = 6,
  kTime = 7,  // start, or the only time
  kEnd = 8,
  kAttributes = 9,
  kDroppedAttributes = 19,
};
enum OfTransaction : std::uint8_t {
  kTransactionSpanKind = 10,
  kTraceFlags = 11,
  kTracestate = 12,
  kOutcome = 13,
  kReason = 14,
  kRedactions = 15,  // of an intent too
  kChildSpans = 16,
  kLinks = 17,
};
enum OfLink : std::uint8_t { kLinkTraceId = 0, kLinkSpanId = 1, kLinkFluxId = 2, kLinkRelation = 3 };
enum OfSpan : std::uint8_t { kSpanKind = 10, kStatus = 11, kStatusMessage = 12 };
enum OfMetricPoint : std::uint8_t { kUnit = 10, kSum = 11, kGauge = 12, kHistogram = 13, kExplicit = 14 };
enum OfSum : std::uint8_t { kSumValue = 0, kSumMonotonic = 1 };
enum OfHistogram : std::uint8_t {
  kScale = 0,
  kHistogramCount = 1,
  kHistogramSum = 2,
  kMin = 3,
  kMax = 4,
  kZeroCount = 5,
  kOffset = 6,
  kBuckets = 7,
  kExemplars = 8,
};
enum OfExplicit : std::uint8_t {
  kExplicitCount = 1,  // 1 to 4 and 8 as above
  kExplicitSum = 2,
  kExplicitMin = 3,
  kExplicitMax = 4,
  kBounds = 5,
  kCounts = 7,
  kExplicitExemplars = 8,
};
enum OfExemplar : std::uint8_t {
  kExemplarTime = 0,
  kExemplarValue = 1,
  kExemplarTraceId = 2,
  kExemplarSpanId = 3,
  kExemplarFluxId = 4,
};
enum OfLog : std::uint8_t { kSeverity = 10, kBody = 11 };
}  // namespace key

}  // namespace fluxrig::model
