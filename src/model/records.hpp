// The records that leave a rack, decoded. One struct a kind; `encode` and `decode` in record_codec.hpp give
// their CBOR form (docs/formats/records.md). Names and meanings follow the OpenTelemetry data model. Every
// string and value in here has passed the sanitiser. Values only; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.hpp"

namespace fluxrig::model {

using Value = std::variant<std::string, std::int64_t, double, bool>;
struct Attribute {
  std::string key;
  Value value;
  friend bool operator==(const Attribute&, const Attribute&) = default;
};

enum class SpanKind : std::uint8_t { kInternal = 1, kServer = 2, kClient = 3, kProducer = 4, kConsumer = 5 };
enum class StatusCode : std::uint8_t { kUnset = 0, kOk = 1, kError = 2 };

// How a transaction ended, from the caller's point of view.
enum class TransactionOutcome : std::uint8_t {
  kAnswered = 1,   // the caller got the reply of the last gear
  kFailed = 2,     // the caller got an error in its protocol's words; `reason` says why
  kTimedOut = 3,   // as kFailed, because nothing answered in time
  kRefused = 4,    // not accepted: pressure, limits, drain
  kAbandoned = 5,  // the caller went away before the reply
};
[[nodiscard]] constexpr std::string_view to_string(TransactionOutcome outcome) noexcept {
  constexpr std::array<std::string_view, 6> kNames = {"unknown",   "answered", "failed",
                                                      "timed_out", "refused",  "abandoned"};
  const auto index = static_cast<std::size_t>(outcome);
  return kNames[index < kNames.size() ? index : 0];
}

// To the root span of another transaction.
struct Link {
  TraceId trace_id;
  SpanId span_id;
  FluxId flux_id;
  std::string relation;  // what that one is to this: "reversal_of"
  friend bool operator==(const Link&, const Link&) = default;
};

// P1, lane audit: one per transaction and rack. Enough to rebuild the root span and the audit log event.
struct Transaction {
  FluxId flux_id;
  TraceId trace_id;
  SpanId span_id;         // the rack's root span
  SpanId parent_span_id;  // zero: this rack began the trace
  std::uint8_t trace_flags = 0;
  std::string tracestate;
  std::string gear;  // the ingress gear's name in the scenario
  std::string name;  // span name, low cardinality: "POST /authorize", "iso8583 0200"
  SpanKind kind = SpanKind::kServer;
  UnixNanos start;
  UnixNanos end;
  TransactionOutcome outcome = TransactionOutcome::kAnswered;
  std::string reason;  // empty when answered; a fixed phrase, never payload bytes
  std::vector<Attribute> attributes;
  std::vector<std::string> redactions;  // "iso8583.2 token", "iso8583.35 drop": what the sanitiser did
  std::vector<Link> links;
  std::uint32_t child_spans = 0;         // made; the sampled ones follow in the telemetry lane
  std::uint32_t dropped_attributes = 0;  // left out by a limit
  friend bool operator==(const Transaction&, const Transaction&) = default;
};

// P1, lane audit: written before a transaction first leaves the rack (through an egress gear). Its outcome is
// the Transaction of the same machine, epoch and span_id; while there is none, what it did outside is in
// doubt.
struct Intent {
  FluxId flux_id;  // as known then: a trace context that is adopted later changes it, and never span_id
  TraceId trace_id;
  SpanId span_id;    // the rack's root span
  std::string gear;  // through which it leaves
  std::string name;  // of the root span
  UnixNanos time;
  std::vector<Attribute> attributes;  // what the transaction had by then
  std::vector<std::string> redactions;
  std::uint32_t dropped_attributes = 0;  // left out by a limit
  friend bool operator==(const Intent&, const Intent&) = default;
};

// P2: a child span, one per gear that the message passed.
struct Span {
  FluxId flux_id;
  TraceId trace_id;
  SpanId span_id;
  SpanId parent_span_id;
  std::string gear;
  std::string name;
  SpanKind kind = SpanKind::kInternal;
  UnixNanos start;
  UnixNanos end;
  StatusCode status = StatusCode::kUnset;
  std::string status_message;
  std::vector<Attribute> attributes;
  std::uint32_t dropped_attributes = 0;  // left out by a limit
  friend bool operator==(const Span&, const Span&) = default;
};

struct Exemplar {
  UnixNanos time;
  double value = 0;
  TraceId trace_id;
  SpanId span_id;
  FluxId flux_id;
  friend bool operator==(const Exemplar&, const Exemplar&) = default;
};

// Base-2 exponential histogram, positive range only (latencies, sizes). bucket i counts (base^(offset+i),
// base^(offset+i+1)], base = 2^(2^-scale).
struct ExponentialHistogram {
  std::int32_t scale = 0;
  std::uint64_t count = 0;
  double sum = 0;
  double min = 0;
  double max = 0;
  std::uint64_t zero_count = 0;
  std::int32_t offset = 0;
  std::vector<std::uint64_t> buckets;
  std::vector<Exemplar> exemplars;
  friend bool operator==(const ExponentialHistogram&, const ExponentialHistogram&) = default;
};

// Histogram of explicit bounds: counts[i] counts (bounds[i-1], bounds[i]], the last one what is over the last
// bound. `counts` has one entry more than `bounds`, which ascend.
struct ExplicitHistogram {
  std::uint64_t count = 0;
  double sum = 0;
  double min = 0;
  double max = 0;
  std::vector<double> bounds;
  std::vector<std::uint64_t> counts;
  std::vector<Exemplar> exemplars;
  friend bool operator==(const ExplicitHistogram&, const ExplicitHistogram&) = default;
};
// Those that the semantic conventions prescribe for http.server.request.duration and
// http.client.request.duration, in seconds.
inline constexpr std::array<double, 14> kHttpDurationBounds = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                                               0.5,   0.75, 1,     2.5,  5,     7.5, 10};

struct Sum {
  double value = 0;
  bool monotonic = true;
  friend bool operator==(const Sum&, const Sum&) = default;
};
struct Gauge {
  double value = 0;
  friend bool operator==(const Gauge&, const Gauge&) = default;
};

// P2: one point of one series, cumulative temporality since `start`.
struct MetricPoint {
  std::string name;  // "fluxrig.gear.messages"
  std::string unit;  // UCUM: "{message}", "By", "s"
  std::string gear;  // empty: the rack as a whole
  UnixNanos start;
  UnixNanos time;
  std::vector<Attribute> attributes;
  std::variant<Sum, Gauge, ExponentialHistogram, ExplicitHistogram> data;
  friend bool operator==(const MetricPoint&, const MetricPoint&) = default;
};

// OpenTelemetry severity numbers: 9 INFO, 13 WARN, 17 ERROR.
// P1 for security and control events (lane audit), P2 for diagnostics (lane telemetry).
struct Log {
  UnixNanos time;
  std::uint8_t severity = 9;
  std::string event_name;  // "fluxrig.rack.started"
  std::string body;
  std::string gear;  // empty: the rack as a whole
  FluxId flux_id;    // zero: not part of a transaction
  TraceId trace_id;
  SpanId span_id;
  std::vector<Attribute> attributes;
  std::uint32_t dropped_attributes = 0;  // left out by a limit
  friend bool operator==(const Log&, const Log&) = default;
};

using Record = std::variant<Transaction, Span, MetricPoint, Log, Intent>;

}  // namespace fluxrig::model
