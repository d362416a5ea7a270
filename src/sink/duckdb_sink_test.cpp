#include "sink/duckdb_sink.hpp"

#include "sink/store_fixture.hpp"

namespace fluxrig::sink {
namespace {

using DuckDbSinkTest = StoreTest;

TEST_F(DuckDbSinkTest, StoresATransactionWithItsIdsAsColumns) {
  open();
  auto one = transaction(clock_.now());
  one.parent_span_id = make_span_id(random_);
  one.links = {
      {make_trace_id(random_), make_span_id(random_), make_flux_id(clock_.now(), random_), "reversal_of"}};
  const auto summary = store(block(1, {one}));
  EXPECT_EQ(summary.rows, 1U);
  EXPECT_EQ(summary.duplicates, 0U);
  const auto table = select(
      "SELECT flux_id, trace_id, machine_id, rack, gear, lane, epoch, seq, start_time, duration_ns, outcome, "
      "reason, "
      "attributes, redactions, parent_span_id, received_at, date, hour FROM transactions");
  ASSERT_EQ(table.rows.size(), 1U);
  const auto& row = table.rows[0];
  EXPECT_EQ(row[0], to_string(one.flux_id));
  EXPECT_EQ(row[1], to_string(one.trace_id));
  EXPECT_EQ(row[2], to_string(machine_));
  EXPECT_EQ(row[3], "edge");
  EXPECT_EQ(row[4], "shop");
  EXPECT_EQ(row[5], "audit");
  EXPECT_EQ(row[6], "1");
  EXPECT_EQ(row[7], "1");
  EXPECT_EQ(row[8], to_rfc3339(one.start));
  EXPECT_EQ(row[9], "18400000");
  EXPECT_EQ(row[10], "answered");
  EXPECT_EQ(row[11], std::nullopt);
  EXPECT_EQ(
      row[12],
      R"({"http.request.method":"POST","http.response.status_code":"200","fluxrig.link.reversal_of":")" +
          to_string(one.links[0].flux_id) + "\"}");
  EXPECT_EQ(row[13], R"(["iso8583.2 token"])");
  EXPECT_EQ(row[14], to_string(one.parent_span_id));
  EXPECT_EQ(row[15], to_rfc3339(clock_.now()));
  EXPECT_EQ(row[16], "2026-11-18");
  EXPECT_EQ(row[17], "11");
  EXPECT_EQ(table.columns[0].type, "UUID");
  EXPECT_EQ(table.columns[8].type, "TIMESTAMP_NS");
  EXPECT_TRUE(table.columns[9].numeric);
}

TEST_F(DuckDbSinkTest, ATransactionIsASpanAndALogAsWell) {
  open();
  auto failed = transaction(clock_.now());
  failed.outcome = model::TransactionOutcome::kTimedOut;
  failed.reason = "no reply in time";
  model::Span child{.flux_id = failed.flux_id,
                    .trace_id = failed.trace_id,
                    .span_id = make_span_id(random_),
                    .parent_span_id = failed.span_id,
                    .gear = "bank",
                    .name = "0200",
                    .start = failed.start,
                    .end = failed.end,
                    .status = model::StatusCode::kOk,
                    .status_message = "",
                    .attributes = {}};
  store(block(1, {failed}));
  store(block(1, {child}, model::Lane::kTelemetry));
  const auto spans = select(
      "SELECT span_id, is_root, status, status_message FROM spans WHERE trace_id = $1 ORDER BY is_root DESC",
      {to_string(failed.trace_id)});
  ASSERT_EQ(spans.rows.size(), 2U);
  EXPECT_EQ(spans.rows[0][0], to_string(failed.span_id));
  EXPECT_EQ(spans.rows[0][1], "true");
  EXPECT_EQ(spans.rows[0][2], "error");
  EXPECT_EQ(spans.rows[0][3], "no reply in time");
  EXPECT_EQ(spans.rows[1][2], "ok");
  const auto logs = select("SELECT event_name, severity_text, body, flux_id FROM logs WHERE flux_id = $1",
                           {to_string(failed.flux_id)});
  ASSERT_EQ(logs.rows.size(), 1U);
  EXPECT_EQ(logs.rows[0][0], "fluxrig.transaction");
  EXPECT_EQ(logs.rows[0][1], "ERROR");
  EXPECT_EQ(logs.rows[0][2], "POST /authorize timed_out: no reply in time");
}

TEST_F(DuckDbSinkTest, StoresEveryKindOfMetricAndLog) {
  open();
  model::ExponentialHistogram histogram{.scale = 6,
                                        .count = 3,
                                        .sum = 1.5,
                                        .min = 0.25,
                                        .max = 0.75,
                                        .zero_count = 1,
                                        .offset = -20,
                                        .buckets = {1, 0, 1},
                                        .exemplars = {}};
  histogram.exemplars.push_back({clock_.now(), 0.75, make_trace_id(random_), make_span_id(random_), {}});
  const auto point = [&](auto data) {
    return model::MetricPoint{.name = "fluxrig.gear.duration",
                              .unit = "s",
                              .gear = "shop",
                              .start = clock_.now(),
                              .time = clock_.now(),
                              .attributes = {{"ok", true}, {"ratio", 0.5}},
                              .data = data};
  };
  const model::Log log{.time = clock_.now(),
                       .severity = 13,
                       .event_name = "fluxrig.rack.started",
                       .body = "up",
                       .gear = "",
                       .flux_id = {},
                       .trace_id = {},
                       .span_id = {},
                       .attributes = {}};
  const auto summary =
      store(block(1, {point(model::Sum{7, true}), point(model::Gauge{2.5}), point(histogram), log},
                  model::Lane::kTelemetry));
  EXPECT_EQ(summary.rows, 4U);
  const auto metrics = select(
      "SELECT type, value, count, buckets, bucket_offset, exemplars, attributes, monotonic, flux_id FROM "
      "metrics ORDER BY seq");
  ASSERT_EQ(metrics.rows.size(), 3U);
  EXPECT_EQ(metrics.rows[0][0], "sum");
  EXPECT_EQ(metrics.rows[0][1], "7");
  EXPECT_EQ(metrics.rows[0][2], std::nullopt);
  EXPECT_EQ(metrics.rows[0][7], "true");
  EXPECT_EQ(metrics.rows[0][8], std::nullopt);
  EXPECT_EQ(metrics.rows[1][1], "2.5");
  EXPECT_EQ(metrics.rows[2][0], "exponential_histogram");
  EXPECT_EQ(metrics.rows[2][3], "[1,0,1]");
  EXPECT_EQ(metrics.rows[2][4], "-20");
  EXPECT_EQ(metrics.rows[2][6], R"({"ok":"true","ratio":"0.5"})");
  EXPECT_EQ(cell("SELECT exemplars::JSON->>'$[0].value' FROM metrics WHERE exemplars IS NOT NULL"), "0.75");
  const auto logs = select("SELECT severity_text, body, gear, trace_id FROM logs");
  ASSERT_EQ(logs.rows.size(), 1U);
  EXPECT_EQ(logs.rows[0][0], "WARN");
  EXPECT_EQ(logs.rows[0][2], std::nullopt);
  EXPECT_EQ(logs.rows[0][3], std::nullopt);
}

TEST_F(DuckDbSinkTest, AHistogramOfTheConventionsHasItsBoundsAndOneOfOthersOnlyItsSummary) {
  open();
  model::ExplicitHistogram histogram{
      .count = 3, .sum = 0.9, .min = 0.3, .max = 0.3, .bounds = {}, .counts = {}, .exemplars = {}};
  histogram.bounds.assign(model::kHttpDurationBounds.begin(), model::kHttpDurationBounds.end());
  histogram.counts.assign(histogram.bounds.size() + 1, 0);
  histogram.counts[7] = 3;
  model::MetricPoint point{.name = "http.server.request.duration",
                           .unit = "s",
                           .gear = "shop",
                           .start = clock_.now(),
                           .time = clock_.now(),
                           .attributes = {},
                           .data = histogram};
  auto other = point;
  histogram.bounds.back() = 20;
  other.data = histogram;
  EXPECT_EQ(store(block(1, {point, other}, model::Lane::kTelemetry)).rows, 2U);
  const auto rows =
      select(
          "SELECT type, count, sum, scale, buckets[8], bounds[7:8], len(buckets) - len(bounds) FROM metrics "
          "ORDER BY seq")
          .rows;
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0][0], "histogram");
  EXPECT_EQ(rows[0][1], "3");
  EXPECT_EQ(rows[0][3], std::nullopt);
  EXPECT_EQ(rows[0][4], "3");
  EXPECT_EQ(rows[0][5], "[0.25,0.5]");
  EXPECT_EQ(rows[0][6], "1");
  EXPECT_EQ(rows[1][2], "0.9");
  EXPECT_EQ(rows[1][4], std::nullopt);
  EXPECT_EQ(rows[1][5], std::nullopt);
}

TEST_F(DuckDbSinkTest, IgnoresTheSameBlockTheSecondTime) {
  open();
  const auto incoming = transactions(1, 100);
  EXPECT_EQ(store(incoming).rows, 100U);
  const auto again = store(incoming);
  EXPECT_EQ(again.rows, 0U);
  EXPECT_EQ(again.duplicates, 100U);
  const std::vector<IncomingBlock> twice = {transactions(101, 10), transactions(101, 10)};
  const auto both = sink().commit(twice);
  ASSERT_TRUE(both);
  EXPECT_EQ(both->rows, 10U);
  EXPECT_EQ(both->duplicates, 10U);
  EXPECT_EQ(cell("SELECT count(*) FROM transactions"), "110");
}

TEST_F(DuckDbSinkTest, StoresOnlyTheNewPartOfAnOverlappingBlock) {
  open();
  store(transactions(1, 10));
  store(transactions(21, 10));
  const auto summary = store(transactions(5, 20));
  EXPECT_EQ(summary.rows, 10U);
  EXPECT_EQ(summary.duplicates, 10U);
  EXPECT_EQ(cell("SELECT count(DISTINCT seq) FROM transactions"), "30");
  const auto ledger = select("SELECT first_seq, last_seq FROM ledger");
  ASSERT_EQ(ledger.rows.size(), 1U);
  EXPECT_EQ(ledger.rows[0][0], "1");
  EXPECT_EQ(ledger.rows[0][1], "30");
}

TEST_F(DuckDbSinkTest, CountsEachRackLaneAndEpochByItself) {
  open();
  auto other_epoch = transactions(1, 1);
  other_epoch.head.epoch = {2};
  auto other_lane = transactions(1, 1);
  other_lane.head.lane = model::Lane::kTelemetry;
  auto other_rack = transactions(1, 1);
  other_rack.head.machine_id = make_machine_id(random_);
  const std::vector<IncomingBlock> blocks = {transactions(1, 1), other_epoch, other_lane, other_rack};
  const auto summary = sink().commit(blocks);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->rows, 4U);
  EXPECT_EQ(sink().ledger().size(), 4U);
  EXPECT_EQ(cell("SELECT count(*) FROM ledger"), "4");
}

TEST_F(DuckDbSinkTest, KeepsItsLedgerWhenOpenedAgain) {
  open();
  store(transactions(1, 10));
  store(transactions(20, 5));
  const auto before = sink().ledger();
  open();
  ASSERT_EQ(sink().ledger().size(), before.size());
  EXPECT_EQ(sink().ledger().begin()->first, before.begin()->first);
  EXPECT_EQ(sink().ledger().begin()->second.ranges(), before.begin()->second.ranges());
  EXPECT_EQ(store(transactions(9, 3)).rows, 1U);
}

TEST_F(DuckDbSinkTest, StoresNothingOfABatchThatFails) {
  std::string failing;
  options_.fail_point = [&](std::string_view step) { return step == failing; };
  open();
  store(transactions(1, 10));
  for (const char* step : {"commit.rows", "commit.ledger"}) {
    failing = step;
    const auto incoming = transactions(11, 5'000);
    const auto failed = sink().commit({&incoming, 1});
    ASSERT_FALSE(failed) << step;
    EXPECT_EQ(cell("SELECT count(*) FROM transactions"), "10");
    EXPECT_EQ(cell("SELECT last_seq FROM ledger"), "10");
    EXPECT_EQ(sink().ledger().begin()->second.ranges().back().second.value, 10U);
  }
  failing.clear();
  EXPECT_EQ(store(transactions(11, 5'000)).rows, 5'000U);
  EXPECT_EQ(cell("SELECT count(*) FROM transactions"), "5010");
}

TEST_F(DuckDbSinkTest, RefusesABlockWhoseCountIsWrong) {
  open();
  auto wrong = transactions(1, 3);
  wrong.head.count = 2;
  const auto refused = sink().commit({&wrong, 1});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  auto endless = transactions(UINT64_MAX - 1, 3);
  EXPECT_FALSE(sink().commit({&endless, 1}));
  EXPECT_TRUE(sink().ledger().empty());
}

TEST_F(DuckDbSinkTest, SurvivesHostileTextTimesAndKeys) {
  open();
  auto one = transaction({INT64_MIN});
  one.end = {INT64_MAX};
  one.name = std::string("a\0b\xff\xc0\xaf", 6);
  one.reason = "\xed\xa0\x80";
  one.tracestate = std::string(100'000, 'x');
  one.attributes = {{"key", std::string("first")}, {"key", std::string("second")}, {"", std::string("\xf5")}};
  for (int i = 0; i < 500; ++i) one.attributes.push_back({"k" + std::to_string(i % 250), std::int64_t{i}});
  one.redactions.assign(5'000, "rule");
  store(block(1, {one, transaction(clock_.now())}));
  EXPECT_EQ(cell("SELECT name FROM transactions WHERE seq = 1"),
            std::string("a\0b\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", 12));
  EXPECT_EQ(cell("SELECT attributes['key'] FROM transactions WHERE seq = 1"), "first");
  EXPECT_EQ(cell("SELECT cardinality(attributes) FROM transactions WHERE seq = 1"), "252");
  EXPECT_EQ(cell("SELECT start_time FROM transactions WHERE seq = 1"), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(cell("SELECT date FROM transactions WHERE seq = 1"), "2026-11-18");
  EXPECT_EQ(cell("SELECT len(redactions) FROM transactions WHERE seq = 1"), "5000");
}

TEST_F(DuckDbSinkTest, RemembersTheLatestPresenceOfEachRack) {
  open();
  RackPresence presence{machine_, "edge", "0.1.0", {3}, clock_.now(), clock_.now(), R"({"lanes":{}})"};
  ASSERT_TRUE(sink().remember(presence));
  presence.version = "0.1.1";
  presence.last_seen = {INT64_MIN};
  ASSERT_TRUE(sink().remember(presence));
  const auto racks = select("SELECT machine_id, rack, version, epoch, started, status, last_seen FROM racks");
  ASSERT_EQ(racks.rows.size(), 1U);
  EXPECT_EQ(racks.rows[0][0], to_string(machine_));
  EXPECT_EQ(racks.rows[0][2], "0.1.1");
  EXPECT_EQ(racks.rows[0][4], to_rfc3339(clock_.now()));
  EXPECT_EQ(racks.rows[0][5], R"({"lanes":{}})");
  EXPECT_EQ(racks.rows[0][6], "1970-01-01T00:00:00.000000000Z");
}

}  // namespace
}  // namespace fluxrig::sink
