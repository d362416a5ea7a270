// From records to the bodies of OTLP requests: ExportTraceServiceRequest, ExportMetricsServiceRequest and
// ExportLogsServiceRequest (opentelemetry-proto 1.5), as protobuf (over HTTP and gRPC) or OTLP/JSON. Which
// field becomes which: docs/formats/otlp.md. Records have passed the gate, by their type. Pure functions; any
// thread.
//
//   otlp::Options options{.encoding = otlp::Encoding::kProtobuf, .limits = {.items = 2048, .bytes = 4U <<
//   20}}; for (auto& payload : otlp::encode(model::Signal::kSpans, batches, options).payloads)
//   send(payload.body);
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "model/block.hpp"
#include "model/telemetry.hpp"
#include "otlp/resource.hpp"
#include "otlp/temporality.hpp"
#include "sanitize/clean_list.hpp"

namespace fluxrig::otlp {

enum class Encoding : std::uint8_t { kProtobuf, kJson };
// Of an HTTP request; gRPC frames protobuf by itself.
[[nodiscard]] constexpr std::string_view content_type(Encoding encoding) noexcept {
  return encoding == Encoding::kProtobuf ? "application/x-protobuf" : "application/json";
}

// Records of one rack, as a block brings them. Nothing is owned; all of it outlives the call.
struct Batch {
  // Neighbours with the same pointer become one ResourceSpans (...Metrics, ...Logs): keep a rack's together.
  const Resource* resource = nullptr;
  sanitize::CleanSpan records = {};
  // When the exporter had them: the observed time of their logs. Zero: the time of each log itself.
  UnixNanos received = {};
  // Position in the rack's stream: attributes fluxrig.lane and fluxrig.sequence of logs, which lead to the
  // audit record. records[i] has `first` + i. Zero: not known.
  model::Lane lane = model::Lane::kAudit;
  Sequence first = {};
};

struct Limits {
  std::uint32_t items = 2048;
  std::size_t bytes = 4U << 20;  // of one body, before compression
};

struct Options {
  Encoding encoding = Encoding::kProtobuf;
  Limits limits = {};
  Temporality temporality = Temporality::kCumulative;
};

struct Payload {
  std::string body;
  std::uint32_t items = 0;  // spans, data points or log records: what partial success counts
};

struct Encoded {
  std::vector<Payload> payloads;  // none when the batches hold nothing of the signal
  std::uint64_t oversize = 0;     // items left out: alone they are over the limit of bytes
};

// What the batches hold of one signal, in their order (metrics: by name), in as few bodies as the limits
// allow. A Transaction is a span (the rack's root span) and a log record (the audit event); an Intent is
// neither. Child spans get flags and sampling threshold of their transaction where `batches` holds it. Text
// that is not UTF-8 is repaired: a receiver would refuse the whole body for it.
[[nodiscard]] Encoded encode(model::Signal signal, std::span<const Batch> batches, const Options& options);

}  // namespace fluxrig::otlp
