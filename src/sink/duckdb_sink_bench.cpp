// Rows a second into the file, commits included: what a rack sends, blocks of transactions (8 attributes)
// with the blocks of their child spans (3 each, 2 attributes).
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/random.hpp"
#include "base/test_gate.hpp"
#include "sink/duckdb_sink.hpp"

namespace fluxrig::sink {
namespace {

constexpr std::size_t kBlockRecords = 64;

struct Load {
  SeededRandom random{1};
  MachineId machine = make_machine_id(random);
  std::uint64_t next_audit = 1;
  std::uint64_t next_telemetry = 1;

  IncomingBlock block(model::Lane lane, std::uint64_t& next, std::vector<model::Record> records,
                      UnixNanos now) {
    IncomingBlock incoming;
    incoming.head.machine_id = machine;
    incoming.head.lane = lane;
    incoming.head.epoch = {1};
    incoming.head.first = {next};
    incoming.head.count = static_cast<std::uint32_t>(records.size());
    next += records.size();
    incoming.rack = "edge";
    incoming.records = std::move(records);
    incoming.received = now;
    return incoming;
  }
  void add_blocks(std::vector<IncomingBlock>& blocks, UnixNanos now) {
    std::vector<model::Record> audit;
    std::vector<model::Record> telemetry;
    for (std::size_t i = 0; i < kBlockRecords; ++i) {
      model::Transaction one;
      one.flux_id = make_flux_id(now, random);
      one.trace_id = make_trace_id(random);
      one.span_id = make_span_id(random);
      one.gear = "shop";
      one.name = "POST /authorize";
      one.start = now;
      one.end = {now.value + 1'000'000};
      for (int a = 0; a < 8; ++a)
        one.attributes.push_back(
            {"attribute.name." + std::to_string(a), "value " + std::to_string(random.below(1000))});
      one.child_spans = 3;
      for (int child = 0; child < 3; ++child) {
        model::Span span;
        span.flux_id = one.flux_id;
        span.trace_id = one.trace_id;
        span.span_id = make_span_id(random);
        span.parent_span_id = one.span_id;
        span.gear = "bank";
        span.name = "0200 -> 0210";
        span.start = one.start;
        span.end = one.end;
        span.attributes = {{"messaging.message.body.size", std::int64_t{128}},
                           {"network.peer.port", std::int64_t{8583}}};
        telemetry.emplace_back(std::move(span));
      }
      audit.emplace_back(std::move(one));
    }
    blocks.push_back(block(model::Lane::kAudit, next_audit, std::move(audit), now));
    blocks.push_back(block(model::Lane::kTelemetry, next_telemetry, std::move(telemetry), now));
  }
};

// With `room` 0 no blocks are taken for the log before each commit (StoreCore::room).
void BM_Commit(benchmark::State& state) {
  std::string pattern = (std::filesystem::temp_directory_path() / "fluxrig-bench-XXXXXX").string();
  StoreOptions options;
  options.directory = mkdtemp(pattern.data());
  if (state.range(1) == 0) options.log_room_bytes = 0;
  const SystemClock clock;
  Diagnostics diagnostics(clock, 2, DiagnosticFormat::kText, Severity::kWarn, pass_unsearched);
  {
    auto store = DuckDbStore::open(options, clock, diagnostics);
    if (!store) return state.SkipWithError(store.error().message.c_str());
    Load load;
    std::uint64_t rows = 0;
    for (auto _ : state) {
      state.PauseTiming();
      std::vector<IncomingBlock> blocks;
      for (std::int64_t i = 0; i < state.range(0); ++i) load.add_blocks(blocks, clock.now());
      state.ResumeTiming();
      const auto summary = (*store)->sink().commit(blocks);
      if (!summary) return state.SkipWithError("commit failed");
      rows += summary->rows;
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(rows));
  }
  std::error_code ignored;
  std::filesystem::remove_all(options.directory, ignored);
}
// What a busy gateway sends: group commits of a few transactions each. With `kept` 1 the blocks themselves
// are stored as well, 300 bytes a record.
void BM_CommitSmallBlocks(benchmark::State& state) {
  std::string pattern = (std::filesystem::temp_directory_path() / "fluxrig-bench-XXXXXX").string();
  StoreOptions options;
  options.directory = mkdtemp(pattern.data());
  const SystemClock clock;
  Diagnostics diagnostics(clock, 2, DiagnosticFormat::kText, Severity::kWarn, pass_unsearched);
  constexpr std::size_t kRecordsOfBlock = 4;
  constexpr std::size_t kBytesOfRecord = 300;
  {
    auto store = DuckDbStore::open(options, clock, diagnostics);
    if (!store) return state.SkipWithError(store.error().message.c_str());
    Load load;
    const auto any_byte = [&] { return static_cast<std::uint8_t>(load.random.below(256)); };
    std::uint64_t records = 0;
    for (auto _ : state) {
      state.PauseTiming();
      std::vector<IncomingBlock> whole;
      for (std::int64_t i = 0; i < state.range(0); ++i) load.add_blocks(whole, clock.now());
      std::vector<IncomingBlock> blocks;
      for (auto& one : whole) {
        if (one.head.lane != model::Lane::kAudit) continue;
        for (std::size_t at = 0; at < one.records.size(); at += kRecordsOfBlock) {
          auto small = one;
          small.head.first.value += at;
          small.head.count = kRecordsOfBlock;
          small.records.assign(one.records.begin() + static_cast<std::ptrdiff_t>(at),
                               one.records.begin() + static_cast<std::ptrdiff_t>(at + kRecordsOfBlock));
          if (state.range(1) != 0) {
            small.bytes.resize(kRecordsOfBlock * kBytesOfRecord);
            std::generate(small.bytes.begin(), small.bytes.end(), any_byte);
            std::generate(small.hash.begin(), small.hash.end(), any_byte);
            std::generate(small.head.previous.begin(), small.head.previous.end(), any_byte);
          }
          blocks.push_back(std::move(small));
        }
      }
      state.ResumeTiming();
      const auto summary = (*store)->sink().commit(blocks);
      if (!summary) return state.SkipWithError("commit failed");
      records += summary->rows;
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(records));
  }
  std::error_code ignored;
  std::filesystem::remove_all(options.directory, ignored);
}
BENCHMARK(BM_CommitSmallBlocks)
    ->ArgNames({"batch", "kept"})
    ->Args({20, 0})
    ->Args({20, 1})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

BENCHMARK(BM_Commit)
    ->ArgNames({"batch", "room"})
    ->ArgsProduct({{1, 8, 80}, {1, 0}})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fluxrig::sink
