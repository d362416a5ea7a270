// Spans a second of one core: what a rack sends, transactions (8 attributes) with their child spans (3 each,
// 2 attributes), as one batch of 2,048 items. Beside it the log records of the same transactions, and
// metrics.
#include <benchmark/benchmark.h>

#include "base/random.hpp"
#include "otlp/encode.hpp"
#include "sanitize/test_clean_list.hpp"

namespace fluxrig::otlp {
namespace {

constexpr std::size_t kTransactions = 512;

model::Transaction transaction(Random& random) {
  constexpr UnixNanos kStart{1'795'356'187'412'000'000};
  model::Transaction one;
  one.flux_id = make_flux_id(kStart, random);
  one.trace_id = make_trace_id(random);
  one.span_id = make_span_id(random);
  one.parent_span_id = make_span_id(random);
  one.trace_flags = 3;
  one.gear = "shop";
  one.name = "POST /authorize";
  one.start = kStart;
  one.end = {kStart.value + 18'400'000};
  one.child_spans = 3;
  one.redactions = {"iso8583.2 token", "iso8583.35 drop"};
  one.attributes = {{"http.request.method", std::string("POST")},
                    {"http.route", std::string("/authorize")},
                    {"http.response.status_code", std::int64_t{200}},
                    {"url.scheme", std::string("https")},
                    {"client.address", std::string("192.0.2.17")},
                    {"server.port", std::int64_t{8443}},
                    {"iso8583.mti", std::string("0200")},
                    {"iso8583.11", std::string("123456")}};
  return one;
}

model::Span child(const model::Transaction& parent, Random& random) {
  model::Span one;
  one.flux_id = parent.flux_id;
  one.trace_id = parent.trace_id;
  one.span_id = make_span_id(random);
  one.parent_span_id = parent.span_id;
  one.gear = "bank";
  one.name = "0200 -> 0210";
  one.kind = model::SpanKind::kClient;
  one.start = parent.start;
  one.end = parent.end;
  one.attributes = {{"network.peer.address", std::string("10.1.2.3")},
                    {"network.peer.port", std::int64_t{8583}}};
  return one;
}

model::MetricPoint histogram_point(Random& random, std::size_t gear) {
  model::MetricPoint point;
  point.name = "fluxrig.gear.duration";
  point.unit = "ns";
  point.gear = "gear" + std::to_string(gear);
  point.start = {1'795'356'187'412'000'000};
  point.time = {point.start.value + kNanosPerSecond};
  model::ExponentialHistogram data;
  data.scale = 4;
  data.offset = 180;
  for (int i = 0; i < 160; ++i) data.buckets.push_back(random.below(1000));
  data.count = 80'000;
  point.data = std::move(data);
  return point;
}

struct Load {
  SeededRandom random{1};
  Resource resource{make_machine_id(random), {2}, "edge", "0.1.0", "", {}};
  std::vector<model::Record> audit;
  std::vector<model::Record> telemetry;
  std::vector<model::Record> metrics;

  Load() {
    for (std::size_t i = 0; i < kTransactions; ++i) {
      auto one = transaction(random);
      for (int c = 0; c < 3; ++c) telemetry.emplace_back(child(one, random));
      audit.emplace_back(std::move(one));
    }
    for (std::size_t i = 0; i < 64; ++i) metrics.emplace_back(histogram_point(random, i));
  }
};

void run(benchmark::State& state, model::Signal signal, std::span<const Batch> batches) {
  const Options options{.encoding = static_cast<Encoding>(state.range(0)), .limits = {}};
  std::size_t items = 0;
  std::size_t bytes = 0;
  for (auto _ : state) {
    const auto encoded = encode(signal, batches, options);
    benchmark::DoNotOptimize(encoded.payloads.data());
    for (const auto& payload : encoded.payloads) {
      items += payload.items;
      bytes += payload.body.size();
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(items));
  state.counters["bytes_an_item"] = static_cast<double>(bytes) / static_cast<double>(items);
}

void BM_Spans(benchmark::State& state) {
  const Load load;
  const Batch batches[] = {
      {.resource = &load.resource, .records = sanitize::TestRecords::of(load.audit)},
      {.resource = &load.resource, .records = sanitize::TestRecords::of(load.telemetry)}};
  run(state, model::Signal::kSpans, batches);
}
void BM_AuditLogs(benchmark::State& state) {
  const Load load;
  const Batch batch{
      .resource = &load.resource, .records = sanitize::TestRecords::of(load.audit), .first = {1}};
  run(state, model::Signal::kLogs, {&batch, 1});
}
void BM_Histograms(benchmark::State& state) {
  const Load load;
  const Batch batch{.resource = &load.resource, .records = sanitize::TestRecords::of(load.metrics)};
  run(state, model::Signal::kMetrics, {&batch, 1});
}
BENCHMARK(BM_Spans)->ArgName("json")->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_AuditLogs)->ArgName("json")->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Histograms)->ArgName("json")->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace fluxrig::otlp
