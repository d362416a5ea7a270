// Records that use every field and every type, for the tests of this module and for the peer in
// tests/interop, which reads tests/interop/golden/*.cbor with another decoder. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "base/source_tree.hpp"
#include "model/block.hpp"
#include "model/record_codec.hpp"

namespace fluxrig::model::golden {

template <typename Id>
Id id_of(std::string_view hex) {
  return Id::from_bytes(*from_hex(hex)).value();
}

inline FluxId flux_id() { return id_of<FluxId>("0192f3c17a447c109a513d5e0c9b1f02"); }
inline TraceId trace_id() { return id_of<TraceId>("4bf92f3577b34da6a3ce929d0e0e4736"); }
inline SpanId root_span() { return id_of<SpanId>("00f067aa0ba902b7"); }
inline SpanId caller_span() { return id_of<SpanId>("b7ad6b7169203331"); }
inline MachineId machine_id() { return id_of<MachineId>("8c6f2a5e1d3b4c7f9a0e1f2d3c4b5a69"); }
inline constexpr UnixNanos kStart{1'795'356'187'412'000'000};

inline UnixNanos after(std::int64_t nanos) { return {kStart.value + nanos}; }

inline std::vector<Attribute> attributes() {
  return {{"http.request.method", std::string("POST")},
          {"http.response.status_code", std::int64_t{200}},
          {"offset", std::int64_t{-70'000}},
          {"ratio", 0.1},
          {"error", false},
          {"stra\u00dfe", std::string()}};
}

inline Transaction transaction() {
  Transaction record;
  record.flux_id = flux_id();
  record.trace_id = trace_id();
  record.span_id = root_span();
  record.parent_span_id = caller_span();
  record.trace_flags = 3;
  record.tracestate = "vendor=1,other@x=2";
  record.gear = "shop";
  record.name = "POST /authorize";
  record.start = kStart;
  record.end = after(18'400'000);
  record.outcome = TransactionOutcome::kFailed;
  record.reason = "unknown response code";
  record.attributes = attributes();
  record.redactions = {"iso8583.2 token", "iso8583.35 drop"};
  record.links = {{id_of<TraceId>("0af7651916cd43dd8448eb211c80319c"), id_of<SpanId>("c7ad6b7169203331"),
                   id_of<FluxId>("0192f3c17a447c109a513d5e0c9b1f01"), "reversal_of"}};
  record.child_spans = 3;
  record.dropped_attributes = 1;
  return record;
}

inline Span span() {
  Span record;
  record.flux_id = flux_id();
  record.trace_id = trace_id();
  record.span_id = id_of<SpanId>("1112131415161718");
  record.parent_span_id = root_span();
  record.gear = "bank";
  record.name = "0200 -> 0210";
  record.kind = SpanKind::kClient;
  record.start = after(400'000);
  record.end = after(18'000'000);
  record.status = StatusCode::kError;
  record.status_message = "timed out";
  record.attributes = {{"peer", std::string("10.1.2.3:8583")}};
  record.dropped_attributes = 300;
  return record;
}

inline MetricPoint metric_point(decltype(MetricPoint::data) data) {
  MetricPoint record;
  record.name = "fluxrig.gear.messages";
  record.unit = "{message}";
  record.gear = "shop";
  record.start = kStart;
  record.time = after(10'000'000'000);
  record.attributes = {{"outcome", std::string("answered")}};
  record.data = std::move(data);
  return record;
}

inline ExponentialHistogram histogram() {
  ExponentialHistogram data;
  data.scale = 6;
  data.count = 70'007;
  data.sum = 1234.5;
  data.min = 0.0001;
  data.max = 2.5;
  data.zero_count = 1;
  data.offset = -300;
  data.buckets = {1, 0, 70'000, 5};
  data.exemplars = {{after(5), 0.25, trace_id(), root_span(), flux_id()}, {after(6), 0.5, {}, {}, {}}};
  return data;
}

inline ExplicitHistogram explicit_histogram() {
  ExplicitHistogram data;
  data.count = 70'003;
  data.sum = 99.5;
  data.min = 0.002;
  data.max = 12;
  data.bounds = {0.005, 0.25, 10};
  data.counts = {1, 0, 70'000, 2};
  data.exemplars = {{after(7), 0.75, trace_id(), root_span(), flux_id()}};
  return data;
}

inline Log log() {
  Log record;
  record.time = kStart;
  record.severity = 13;
  record.event_name = "fluxrig.rack.started";
  record.body = "rack 'edge' started";
  record.gear = "shop";
  record.flux_id = flux_id();
  record.trace_id = trace_id();
  record.span_id = root_span();
  record.attributes = {{"epoch", std::int64_t{2}}};
  record.dropped_attributes = 2;
  return record;
}

inline Intent intent() {
  Intent record;
  record.flux_id = flux_id();
  record.trace_id = trace_id();
  record.span_id = root_span();
  record.gear = "bank";
  record.name = "POST /authorize";
  record.time = after(300'000);
  record.attributes = attributes();
  record.redactions = {"iso8583.2 token", "iso8583.35 drop"};
  record.dropped_attributes = 1;
  return record;
}

// The smallest record of each kind follows the full one: what is absent must come back as its default.
inline std::vector<Record> records() {
  Transaction small_transaction;
  small_transaction.flux_id = flux_id();
  small_transaction.trace_id = trace_id();
  small_transaction.span_id = root_span();
  small_transaction.start = kStart;
  small_transaction.end = kStart;
  Span small_span;
  small_span.flux_id = flux_id();
  small_span.trace_id = trace_id();
  small_span.span_id = root_span();
  small_span.start = kStart;
  small_span.end = kStart;
  Log small_log;
  small_log.time = kStart;
  Intent small_intent;
  small_intent.flux_id = flux_id();
  small_intent.trace_id = trace_id();
  small_intent.span_id = root_span();
  small_intent.time = kStart;
  return {transaction(),
          small_transaction,
          span(),
          small_span,
          metric_point(Sum{42, true}),
          metric_point(Sum{-1.5, false}),
          metric_point(Gauge{0.75}),
          metric_point(histogram()),
          log(),
          small_log,
          intent(),
          small_intent,
          metric_point(explicit_histogram())};
}

inline Bytes sequence_of(const std::vector<Record>& records) {
  Bytes bytes;
  for (const auto& record : records) encode(record, bytes);
  return bytes;
}

inline std::string source_file(std::string_view path) { return source_tree() / path; }

inline Bytes read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

// The file in tests/interop/golden must hold these bytes; FLUXRIG_UPDATE_GOLDEN=1 writes it.
inline void expect_golden(std::string_view name, const Bytes& bytes) {
  const std::string path = source_file("tests/interop/golden/" + std::string(name));
  if (std::getenv("FLUXRIG_UPDATE_GOLDEN") != nullptr) {
    std::ofstream stream(path, std::ios::binary | std::ios::trunc);
    stream.write(as_text(bytes).data(), static_cast<std::streamsize>(bytes.size()));
  }
  EXPECT_EQ(to_hex(read_file(path)), to_hex(bytes)) << path;
}

// The bytes of the first block ```hex of a format page; what follows a '#' is commentary.
inline std::string documented_hex(std::string_view page) {
  const Bytes bytes = read_file(source_file(page));
  std::istringstream stream{std::string(as_text(bytes))};
  std::string hex;
  bool is_inside = false;
  for (std::string line; std::getline(stream, line);) {
    if (line == "```hex")
      is_inside = true;
    else if (is_inside && line == "```")
      return hex;
    else if (is_inside)
      for (const char c : line.substr(0, line.find('#')))
        if (c != ' ') hex += c;
  }
  return hex;
}

}  // namespace fluxrig::model::golden
