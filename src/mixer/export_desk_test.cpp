#include "mixer/export_desk.hpp"
#include "base/test_gate.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace fluxrig::mixer {
namespace {

using testing::HasSubstr;

// A block with one record of each kind: two spans, two logs (of which the transaction is one each), a metric.
FreshBlock one_of_each() {
  FreshBlock fresh;
  fresh.block.head.lane = model::Lane::kAudit;
  fresh.block.head.first = Sequence{1};
  fresh.block.rack = "edge";
  model::MetricPoint metric;
  metric.name = "fluxrig.gear.messages";
  fresh.block.records = {model::Transaction{}, model::Span{}, metric, model::Log{}, model::Intent{}};
  fresh.fresh = {{0, 5}};
  return fresh;
}

class ExportDeskTest : public testing::Test {
 protected:
  // Nothing listens there: what is offered stays counted and goes nowhere.
  static otlp::ExportSettings nowhere() {
    otlp::ExportSettings settings;
    settings.general.endpoint = otlp::Url{false, "127.0.0.1", 1, ""};
    return settings;
  }
  void start(const otlp::ExportSettings& settings) {
    auto started = ExportDesk::start(settings, clock, diagnostics, nullptr);
    ASSERT_TRUE(started) << started.error().message;
    desk = std::move(*started);
  }
  // Waits for the counters of a signal to begin so.
  void expect_offered(std::string_view signal, std::uint64_t items) {
    const auto wanted = fmt::format(R"("{}":{{"offered":{},)", signal, items);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (desk->status_json().text().find(wanted) == std::string::npos &&
           std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_THAT(desk->status_json().text(), HasSubstr(wanted));
  }

  SystemClock clock;
  Diagnostics diagnostics{clock, -1, DiagnosticFormat::kText, Severity::kError, pass_unsearched};
  std::unique_ptr<ExportDesk> desk;
};

TEST_F(ExportDeskTest, WithoutAnEndpointThereIsNone) {
  start({});
  EXPECT_EQ(desk, nullptr);
}

TEST_F(ExportDeskTest, EachRecordIsCountedInItsSignals) {
  start(nowhere());
  std::vector<FreshBlock> blocks;
  blocks.push_back(one_of_each());
  desk->offer(std::move(blocks), 100);
  expect_offered("traces", 2);
  expect_offered("metrics", 1);
  expect_offered("logs", 2);
  EXPECT_EQ(desk->taken(), 0U);
}

TEST_F(ExportDeskTest, OnlyNewRecordsAreExported) {
  start(nowhere());
  std::vector<FreshBlock> blocks;
  blocks.push_back(one_of_each());
  blocks[0].fresh = {{0, 1}, {3, 4}};  // the transaction and the log
  desk->offer(std::move(blocks), 100);
  expect_offered("logs", 2);
  expect_offered("traces", 1);
  EXPECT_THAT(desk->status_json().text(), HasSubstr(R"("metrics":{"offered":0,)"));
}

TEST_F(ExportDeskTest, DeltasAreMadeWhenTheyArePreferredAndWhatIsLeftOutIsCounted) {
  auto settings = nowhere();
  settings.temporality = otlp::Temporality::kDelta;
  start(settings);
  EXPECT_THAT(desk->status_json().text(),
              HasSubstr(R"("deltas_left_out":{"first":0,"late":0,"fallen":0,"overflow":0})"));
  const UnixNanos begin{clock.now().value + kNanosPerSecond};  // after the desk
  const auto offer = [&](std::int64_t time, double value) {
    model::MetricPoint point;
    point.name = "fluxrig.gear.messages";
    point.start = begin;
    point.time = {point.start.value + time};
    point.data = model::Sum{value, true};
    std::vector<FreshBlock> blocks(1);
    blocks[0].block.head.lane = model::Lane::kTelemetry;
    blocks[0].block.records = {point};
    blocks[0].fresh = {{0, 1}};
    desk->offer(std::move(blocks), 100);
  };
  offer(10, 5);
  offer(20, 7);
  offer(15, 6);  // out of a backlog: the one before held it
  offer(30, 7);
  expect_offered("metrics", 3);
  EXPECT_THAT(desk->status_json().text(), HasSubstr(R"("late":1)"));
}

// Whichever of them are encoded and whichever find no room: all are counted, and alike.
TEST_F(ExportDeskTest, WhatFindsNoRoomIsCountedAsIfItHadBeenEncoded) {
  start(nowhere());
  for (int i = 0; i < 200; ++i) {
    std::vector<FreshBlock> blocks;
    blocks.push_back(one_of_each());
    desk->offer(std::move(blocks), ExportDesk::kMaxWaitingBytes);
    EXPECT_LE(desk->saturation(), 1.0);
  }
  expect_offered("traces", 400);
  expect_offered("metrics", 200);
  expect_offered("logs", 400);
}

}  // namespace
}  // namespace fluxrig::mixer
