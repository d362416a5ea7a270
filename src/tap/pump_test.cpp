#include "tap/pump.hpp"

#include "tap/pump_fixture.hpp"

namespace fluxrig::tap {
namespace {

TEST_F(PumpTest, OneTransactionBecomesOneAuditRecordAndItsChildSpans) {
  auto one = draft();
  one.attribute(names_.field("iso8583.2", sanitize::Action::kToken), "4111111111111111");
  one.attribute(names_.field("iso8583.35", sanitize::Action::kDrop), "4111111111111111=2912");
  one.attribute(names_.field("http.response.status_code", sanitize::Action::kKeep), std::int64_t{200});
  write(one);
  ASSERT_FALSE(pump_.step(true).blocked);

  const auto record = model::decode(audit_.appended);
  ASSERT_TRUE(record);
  const auto& transaction = std::get<model::Transaction>(*record);
  EXPECT_EQ(transaction.gear, "shop");
  EXPECT_EQ(transaction.name, "POST /authorize");
  EXPECT_EQ(transaction.tracestate, "vendor=1");
  EXPECT_EQ(transaction.child_spans, 1U);
  ASSERT_EQ(transaction.attributes.size(), 2U);
  EXPECT_TRUE(std::get<std::string>(transaction.attributes[0].value).starts_with("tok_k1_"));
  EXPECT_EQ(std::get<std::int64_t>(transaction.attributes[1].value), 200);
  EXPECT_EQ(transaction.redactions, (std::vector<std::string>{"iso8583.2 token", "iso8583.35 drop"}));
  EXPECT_LT(std::abs(transaction.start.value - clock_.now().value), kNanosPerSecond);

  ASSERT_EQ(telemetry_.records.size(), 1U);
  const auto& span = std::get<model::Span>(telemetry_.records[0]);
  EXPECT_EQ(span.parent_span_id, transaction.span_id);
  EXPECT_EQ(span.gear, "bank");
}

// A transaction of an HTTP server whose child span is a call of an HTTP client.
TEST_F(PumpTest, AttributesOfASpanAreNotThoseOfItsTransaction) {
  auto one = draft();
  one.attribute(names_.field("http.request.method", sanitize::Action::kKeep), "POST");
  one.attribute(names_.field("http.request.method", sanitize::Action::kKeep), "GET", 0);
  one.attribute(names_.field("server.port", sanitize::Action::kKeep), std::int64_t{8443}, 0);
  one.attribute(names_.field("secret", sanitize::Action::kDrop), "x", 0);
  write(one);
  ASSERT_FALSE(pump_.step(true).blocked);
  const auto record = model::decode(audit_.appended);
  ASSERT_TRUE(record);
  const auto& transaction = std::get<model::Transaction>(*record);
  EXPECT_EQ(transaction.attributes,
            (std::vector<model::Attribute>{{"http.request.method", std::string("POST")}}));
  EXPECT_EQ(transaction.redactions, (std::vector<std::string>{"secret drop"}));
  ASSERT_EQ(telemetry_.records.size(), 1U);
  EXPECT_EQ(std::get<model::Span>(telemetry_.records[0]).attributes,
            (std::vector<model::Attribute>{{"http.request.method", std::string("GET")},
                                           {"server.port", std::int64_t{8443}}}));
}

TEST_F(PumpTest, HttpRequestsAndCallsCountWhetherTheirSpansAreKeptOrNot) {
  for (const double ratio : {1.0, 0.0}) {
    pump_.set_sampling({.ratio = ratio, .slow_nanos = kNanosPerSecond});
    auto one = draft();
    one.attribute(names_.field("http.request.method", sanitize::Action::kKeep), "POST");
    one.attribute(names_.field("http.request.method", sanitize::Action::kKeep), "GET", 0);
    auto* slot = one.span(0);
    ASSERT_NE(slot, nullptr);
    slot->kind = model::SpanKind::kClient;
    slot->start = slot->end = source_.now();
    write(one);
    ASSERT_FALSE(pump_.step(true).blocked);
  }
  telemetry_.records.clear();
  pump_.emit_metrics({});
  ASSERT_EQ(telemetry_.records.size(), 2U);
  for (const auto& record : telemetry_.records) {
    const auto& point = std::get<model::MetricPoint>(record);
    const auto& data = std::get<model::ExplicitHistogram>(point.data);
    EXPECT_EQ(data.count, 2U) << point.name;
    EXPECT_EQ(data.exemplars.size(), 1U) << point.name << ": of the one that was kept";
  }
}

// The pump builds each record over the one before.
TEST_F(PumpTest, ARecordHoldsNothingOfTheOneBefore) {
  auto long_one = draft();
  long_one.attribute(names_.field("iso8583.2", sanitize::Action::kToken), "4111111111111111");
  long_one.attribute(names_.field("iso8583.35", sanitize::Action::kDrop), "4111111111111111=2912");
  long_one.attribute(names_.field("status", sanitize::Action::kKeep), std::int64_t{200});
  write(long_one);
  ASSERT_FALSE(pump_.step(true).blocked);
  const std::size_t first_bytes = audit_.appended.size();
  auto short_one = draft();
  short_one.attribute(names_.field("note", sanitize::Action::kKeep), "x");
  write(short_one);
  ASSERT_FALSE(pump_.step(true).blocked);
  const auto record = model::decode(ByteView(audit_.appended).subspan(first_bytes));
  ASSERT_TRUE(record);
  const auto& transaction = std::get<model::Transaction>(*record);
  EXPECT_EQ(transaction.attributes, (std::vector<model::Attribute>{{"note", "x"}}));
  EXPECT_TRUE(transaction.redactions.empty());
}

TEST_F(PumpTest, DurableCoversOnlyWhatWasSynced) {
  auto one = draft();
  write(one);
  ASSERT_FALSE(pump_.step(false).blocked);
  EXPECT_LT(pump_.durable(), last_);
  EXPECT_TRUE(pump_.unsynced());
  ASSERT_TRUE(pump_.sync());
  EXPECT_EQ(pump_.durable(), last_);
}

TEST_F(PumpTest, AFullDiskLosesNothingAndIsTriedAgain) {
  auto one = draft();
  write(one);
  audit_.broken = true;
  const auto refused = pump_.step(true);
  EXPECT_TRUE(refused.blocked);
  EXPECT_EQ(refused.error.code, ErrorCode::kFull);
  EXPECT_LT(pump_.durable(), last_);
  audit_.broken = false;
  ASSERT_FALSE(pump_.step(true).blocked);
  EXPECT_EQ(audit_.count, 1U);
  EXPECT_EQ(pump_.durable(), last_);
}

TEST_F(PumpTest, IsBlockedAfterAFailedSyncUntilOneIsGoodAlthoughAppendsAre) {
  auto one = draft();
  write(one);
  ASSERT_FALSE(pump_.step(false).blocked);
  audit_.unsyncable = true;
  ASSERT_FALSE(pump_.sync());
  for (int i = 0; i < 3; ++i) {
    write(one);
    const auto refused = pump_.step(false);
    EXPECT_TRUE(refused.blocked);
    EXPECT_EQ(refused.error.code, ErrorCode::kIo);
  }
  EXPECT_LT(pump_.durable(), last_);
  audit_.unsyncable = false;
  ASSERT_FALSE(pump_.step(false).blocked);
  EXPECT_EQ(pump_.durable(), last_);
  EXPECT_EQ(audit_.count, 4U);
}

TEST_F(PumpTest, ManyTransactionsShareOneBlockAndOneSync) {
  for (int i = 0; i < 10; ++i) {
    auto one = draft();
    write(one);
  }
  ASSERT_FALSE(pump_.step(true).blocked);
  EXPECT_EQ(audit_.count, 10U);
  EXPECT_EQ(audit_.blocks, 1);
  EXPECT_EQ(audit_.syncs, 1);
}

TEST_F(PumpTest, SmallBlocksShareOneSync) {
  pump_.set_batch_bytes(Pump::kMinBatchBytes);
  for (int i = 0; i < 12; ++i) {
    auto one = draft();
    write(one);
  }
  ASSERT_FALSE(pump_.step(true).blocked);
  EXPECT_FALSE(pump_.has_work());
  EXPECT_EQ(audit_.count, 12U);
  EXPECT_GE(audit_.blocks, 2);
  EXPECT_LE(audit_.largest, Pump::kMinBatchBytes);
  EXPECT_EQ(audit_.syncs, 1);
}

TEST_F(PumpTest, AnEventBecomesAnAuditRecordWithoutATransaction) {
  model::Log event;
  event.event_name = "fluxrig.rack.started";
  ASSERT_TRUE(events_.offer(event));
  ASSERT_FALSE(pump_.step(true).blocked);
  const auto record = model::decode(audit_.appended);
  ASSERT_TRUE(record);
  EXPECT_EQ(std::get<model::Log>(*record).event_name, "fluxrig.rack.started");
  EXPECT_EQ(audit_.syncs, 1);
}

TEST_F(PumpTest, AHistogramNamesTheTransactionBehindItsSlowestValueOnce) {
  std::deque<GearMetrics> gears(1);
  gears[0].gear = names_.name("shop");
  gears[0].duration.record(1000);
  auto one = draft();
  write(one);
  ASSERT_FALSE(pump_.step(true).blocked);
  telemetry_.records.clear();
  pump_.emit_metrics(gears);
  const auto histogram_of = [](const model::Record& record) {
    return std::get<model::ExponentialHistogram>(std::get<model::MetricPoint>(record).data);
  };
  ASSERT_FALSE(telemetry_.records.empty());
  const auto first = histogram_of(telemetry_.records.back());
  ASSERT_EQ(first.exemplars.size(), 1U);
  EXPECT_EQ(first.exemplars[0].trace_id, one.head().trace_id);
  EXPECT_EQ(first.exemplars[0].flux_id, one.head().flux_id);
  pump_.emit_metrics(gears);
  EXPECT_TRUE(histogram_of(telemetry_.records.back()).exemplars.empty());
}

}  // namespace
}  // namespace fluxrig::tap
