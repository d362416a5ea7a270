// For the tests of the store: a directory of its own, a clock that stands still, and records to store. One
// thread.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/test_gate.hpp"
#include "sink/duckdb_sink.hpp"

namespace fluxrig::sink {

inline constexpr std::int64_t kHour = 3'600 * kNanosPerSecond;

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fluxrig-store-XXXXXX").string();
    options_.directory = mkdtemp(pattern.data());
    options_.memory_limit_bytes = 256ULL << 20;
    options_.retired_file_grace_ms = 0;
  }
  ~StoreTest() override {
    store_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(options_.directory, ignored);
  }

  void open() {
    store_.reset();
    auto opened = DuckDbStore::open(options_, clock_, diagnostics_);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  [[nodiscard]] Sink& sink() { return store_->sink(); }

  [[nodiscard]] Outcome<QueryTable> try_select(std::string_view sql,
                                               const std::vector<std::string>& parameters = {},
                                               const QueryLimits& limits = {}) {
    return store_->queries().select(sql, parameters, limits);
  }
  [[nodiscard]] QueryTable select(std::string_view sql, const std::vector<std::string>& parameters = {}) {
    auto table = try_select(sql, parameters);
    EXPECT_TRUE(table) << table.error().message;
    return table ? std::move(*table) : QueryTable{};
  }
  // The only cell of a result; "NULL" when it is.
  [[nodiscard]] std::string cell(std::string_view sql, const std::vector<std::string>& parameters = {}) {
    const auto table = select(sql, parameters);
    EXPECT_EQ(table.rows.size(), 1U) << sql;
    return table.rows.size() == 1 ? table.rows[0][0].value_or("NULL") : "";
  }
  // Steps until there is nothing more to do.
  void maintain_fully() {
    for (int step = 0; step < 1'000; ++step) {
      const auto more = sink().maintain(clock_.now());
      ASSERT_TRUE(more) << to_string(more.error());
      if (!*more) return;
    }
    FAIL() << "maintain() always has more to do";
  }

  [[nodiscard]] model::Transaction transaction(UnixNanos start) {
    model::Transaction one;
    one.flux_id = make_flux_id(start, random_);
    one.trace_id = make_trace_id(random_);
    one.span_id = make_span_id(random_);
    one.trace_flags = 1;
    one.gear = "shop";
    one.name = "POST /authorize";
    one.start = start;
    one.end = {start.value + 18'400'000};
    one.attributes = {{"http.request.method", std::string("POST")},
                      {"http.response.status_code", std::int64_t{200}}};
    one.redactions = {"iso8583.2 token"};
    one.child_spans = 3;
    return one;
  }
  [[nodiscard]] IncomingBlock block(std::uint64_t first, std::vector<model::Record> records,
                                    model::Lane lane = model::Lane::kAudit) {
    IncomingBlock incoming;
    incoming.head.machine_id = machine_;
    incoming.head.lane = lane;
    incoming.head.epoch = {1};
    incoming.head.first = {first};
    incoming.head.count = static_cast<std::uint32_t>(records.size());
    incoming.rack = "edge";
    incoming.records = std::move(records);
    incoming.received = clock_.now();
    return incoming;
  }
  [[nodiscard]] IncomingBlock transactions(std::uint64_t first, std::size_t count) {
    std::vector<model::Record> records;
    for (std::size_t i = 0; i < count; ++i) records.emplace_back(transaction(clock_.now()));
    return block(first, std::move(records));
  }
  // Stores and expects it to succeed.
  CommitSummary store(const IncomingBlock& incoming) {
    const auto summary = sink().commit({&incoming, 1});
    EXPECT_TRUE(summary) << to_string(summary.error());
    return summary.value_or(CommitSummary{});
  }

  SeededRandom random_{7};
  ManualClock clock_{UnixNanos{1'795'000'000 * kNanosPerSecond}};  // 2026-11-18T11:06:40Z
  SystemClock system_clock_;
  Diagnostics diagnostics_{system_clock_, -1, DiagnosticFormat::kText, Severity::kError, pass_unsearched};
  MachineId machine_ = make_machine_id(random_);
  StoreOptions options_;
  std::unique_ptr<DuckDbStore> store_;
};

}  // namespace fluxrig::sink
