// What services send to us over OTLP/HTTP: the body of an ExportTraceServiceRequest
// (opentelemetry-proto 1.5), in protobuf or JSON, as spans. Hostile bytes: everything is bounded by the
// constants below. Pure; any thread.
//
// Of a span everything is kept that a model::Span has. What belongs to the resource or the scope becomes
// attributes of each of its spans: those of kKeptResource, otel.scope.name, otel.scope.version. Events and
// links are not kept; how many there were stands in otel.dropped_events_count and otel.dropped_links_count,
// as OpenTelemetry's specification for exporters to other formats has it. Values that are no text or number
// become JSON. Only what had to be cut has been searched; the rest has not passed the sanitiser.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/records.hpp"
#include "otlp/export_response.hpp"

namespace fluxrig::otlp {

inline constexpr std::size_t kMaxReceivedSpans = 10'000;     // of a request
inline constexpr std::size_t kMaxReceivedBytes = 16U << 20;  // that its spans take in memory
inline constexpr std::size_t kMaxReceivedJson = 4U << 20;    // of a body: the tree takes many times as much
inline constexpr std::size_t kMaxReceivedAttributes = 128;   // of a span, and of those the first
inline constexpr std::size_t kMaxReceivedName = 256;         // bytes of a span's name, of a key
inline constexpr std::size_t kMaxReceivedText = 4'096;       // bytes of a value, of a message
inline constexpr unsigned kMaxReceivedDepth = 16;            // of values in values

inline constexpr std::array<std::string_view, 8> kKeptResource = {"service.name",
                                                                  "service.namespace",
                                                                  "service.version",
                                                                  "service.instance.id",
                                                                  "deployment.environment.name",
                                                                  "deployment.environment",
                                                                  "host.name",
                                                                  "k8s.pod.name"};

struct ReceivedTraces {
  std::vector<model::Span> spans;  // flux_id and gear are empty
  std::uint64_t rejected = 0;      // spans of the request that cannot be stored
  const char* reason = "";         // of the first of them; a literal
  std::size_t bytes = 0;           // that `spans` take in memory
};

// `protocol` is one of the two over HTTP. kInvalid: the body is no such request (a span that is wrong by
// itself is rejected instead); kOversize: over kMaxReceivedJson.
[[nodiscard]] Result<ReceivedTraces> decode_traces(std::string_view body, Protocol protocol);

}  // namespace fluxrig::otlp
