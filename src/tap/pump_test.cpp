#include "tap/pump.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/random.hpp"
#include "cbor/decoder.hpp"
#include "model/record_codec.hpp"
#include "sanitize/scan/card_number.hpp"

namespace fluxrig::tap {
namespace {

// Splits concatenated CBOR items by decoding each prefix that is a record.
struct FakeAudit final : AuditOutput {
  Result<void> append(const sanitize::CleanRecords& batch) override {
    if (broken) return fail(ErrorCode::kFull, "the disk is full", ENOSPC);
    const ByteView records = batch.bytes();
    appended.insert(appended.end(), records.begin(), records.end());
    count += batch.count();
    largest = std::max(largest, records.size());
    ++blocks;
    return {};
  }
  Result<void> sync() override {
    ++syncs;
    if (unsyncable) return fail(ErrorCode::kIo, "the disk is broken", EIO);
    return {};
  }
  Bytes appended;
  std::uint32_t count = 0;
  std::size_t largest = 0;
  int blocks = 0;
  int syncs = 0;
  bool broken = false;
  bool unsyncable = false;
};

struct FakeTelemetry final : TelemetryOutput {
  void offer(model::Signal signal, const sanitize::CleanRecords& one) override {
    records.push_back(*model::decode(one.bytes()));
    EXPECT_EQ(signal, model::signal_of(records.back()));
  }
  void count_dropped(model::DropCause cause, model::Signal signal, std::uint64_t n) override {
    dropped[{cause, signal}] += n;
  }
  [[nodiscard]] std::uint64_t spans_dropped(model::DropCause cause) const {
    const auto found = dropped.find({cause, model::Signal::kSpans});
    return found == dropped.end() ? 0 : found->second;
  }
  std::vector<model::Record> records;
  std::map<std::pair<model::DropCause, model::Signal>, std::uint64_t> dropped;
};

class PumpTest : public ::testing::Test {
 protected:
  PumpTest()
      : sanitizer_(sanitize::TokenKey{"k1", {}}),
        ticks_(source_, clock_),
        pump_({ring_, events_, Assembler(names_, sanitizer_, ticks_), ticks_, audit_, telemetry_, clock_},
              {}) {}

  // A transaction with one child span, as the runtime would write it.
  Draft draft(model::TransactionOutcome outcome = model::TransactionOutcome::kAnswered) {
    RecordHead head;
    head.flux_id.bytes.fill(1);
    head.trace_id.bytes.fill(2);
    head.span_id.bytes.fill(3);
    head.trace_flags = trace::kSampled;
    head.gear = names_.name("shop");
    head.name = names_.name("POST /authorize");
    head.outcome = outcome;
    head.start = source_.now();
    head.end = source_.now();
    Draft out;
    out.begin(head, "vendor=1");
    SpanSlot slot;
    slot.span_id.bytes.fill(4);
    slot.gear = names_.name("bank");
    slot.name = names_.name("0200");
    (void)out.begin_span(slot);
    return out;
  }
  void write(Draft& draft) {
    RingPosition position;
    ASSERT_EQ(draft.write(ring_, position), Draft::Written::kAll);
    last_ = position;
  }

  SystemClock clock_;
  TickSource source_;
  Names names_;
  sanitize::Sanitizer sanitizer_;
  TickConverter ticks_;
  Ring ring_{8192};
  EventQueue events_;
  FakeAudit audit_;
  FakeTelemetry telemetry_;
  Pump pump_;
  RingPosition last_;
};

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

TEST_F(PumpTest, NoByteOfACardNumberReachesTheAuditLane) {
  auto one = draft();
  one.attribute(names_.field("note", sanitize::Action::kKeep), "paid with 4111111111111111 today");
  one.attribute(names_.field("number", sanitize::Action::kToken), std::int64_t{4111111111111111});
  write(one);
  ASSERT_FALSE(pump_.step(true).blocked);
  EXPECT_EQ(as_text(audit_.appended).find("4111111111111111"), std::string_view::npos);
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

TEST_F(PumpTest, LinksKeepTheirIdsWhateverTheyLookLike) {
  auto one = draft();
  LinkTarget target;
  ASSERT_EQ(target.trace_id.bytes.size(), 16U);
  std::memcpy(target.trace_id.bytes.data(), "4111111111111111", 16);
  target.span_id.bytes.fill(7);
  target.flux_id.bytes.fill(8);
  one.attribute(names_.field("a", sanitize::Action::kKeep), "b");
  one.link(names_.field("reversal_of", sanitize::Action::kKeep), target);
  write(one);
  auto other = draft();
  write(other);
  ASSERT_FALSE(pump_.step(true).blocked);
  cbor::Decoder decoder(audit_.appended);
  const auto first = model::decode(*decoder.skip());
  const auto second = model::decode(*decoder.skip());
  const auto& linked = std::get<model::Transaction>(*first);
  EXPECT_EQ(linked.attributes.size(), 1U);
  EXPECT_EQ(linked.links,
            (std::vector<model::Link>{{target.trace_id, target.span_id, target.flux_id, "reversal_of"}}));
  EXPECT_TRUE(std::get<model::Transaction>(*second).links.empty());
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

TEST_F(PumpTest, AnIntegerThatCouldBeACardNumberIsMaskedAndOthersStayIntegers) {
  auto one = draft();
  one.attribute(names_.field("order", sanitize::Action::kKeep), std::int64_t{5500005555555559});
  one.attribute(names_.field("amount", sanitize::Action::kKeep), std::int64_t{1050});
  write(one);
  ASSERT_FALSE(pump_.step(true).blocked);
  const auto record = model::decode(audit_.appended);
  ASSERT_TRUE(record);
  const auto& attributes = std::get<model::Transaction>(*record).attributes;
  ASSERT_EQ(attributes.size(), 2U);
  EXPECT_EQ(attributes[0].value, model::Value(std::string("550000******5559")));
  EXPECT_EQ(attributes[1].value, model::Value(std::int64_t{1050}));
}

TEST_F(PumpTest, NamesOfGearsAndFieldsPassTheGateInEveryKindOfRecord) {
  auto one = draft();
  one.head().gear = names_.name("g4111111111111111");
  one.head().reason = names_.name("reason 4111111111111111");
  one.attribute(names_.field("key 4111111111111111", sanitize::Action::kKeep), "x");
  SpanSlot slot;
  slot.gear = one.head().gear;
  slot.reason = one.head().reason;
  (void)one.begin_span(slot);
  write(one);
  ASSERT_FALSE(pump_.step(true).blocked);
  std::deque<GearMetrics> gears(1);
  gears[0].gear = one.head().gear;
  pump_.emit_metrics(gears);
  EXPECT_EQ(as_text(audit_.appended).find("4111111111111111"), std::string_view::npos);
  ASSERT_GT(telemetry_.records.size(), 2U);
  for (const auto& record : telemetry_.records) {
    Bytes bytes;
    model::encode(record, bytes);
    EXPECT_EQ(as_text(bytes).find("4111111111111111"), std::string_view::npos);
  }
}

TEST_F(PumpTest, EventsPassTheGate) {
  model::Log event;
  event.body = "said 4111111111111111";
  event.attributes.push_back({"who", std::string("4111 1111 1111 1111")});
  ASSERT_TRUE(events_.offer(event));
  ASSERT_FALSE(pump_.step(true).blocked);
  const auto log = std::get<model::Log>(*model::decode(audit_.appended));
  EXPECT_EQ(log.body, "said 411111******1111");
  EXPECT_EQ(log.attributes[0].value, model::Value(std::string("4111 11** **** 1111")));
}

// A retrieval reference number (YDDDhhnnnnnn) has the look of a number of 12 digits on some days.
TEST_F(PumpTest, AReferenceIsExemptByItsTypeAndALongerTextIsNot) {
  std::string reference = "501812000120";
  while (!sanitize::luhn(reference))
    reference.back() = static_cast<char>(reference.back() == '9' ? '0' : reference.back() + 1);
  auto one = draft();
  const auto field = names_.field("iso8583.37", sanitize::iso8583_action(37));
  one.attribute(field, reference);
  one.attribute(field, "4111111111111111");
  one.attribute(names_.field("iso8583.62", sanitize::Action::kKeep), reference);
  write(one);
  ASSERT_FALSE(pump_.step(true).blocked);
  const auto record = std::get<model::Transaction>(*model::decode(audit_.appended));
  ASSERT_EQ(record.attributes.size(), 3U);
  EXPECT_EQ(record.attributes[0].value, model::Value(reference));
  EXPECT_EQ(record.attributes[1].value, model::Value(std::string("411111******1111")));
  EXPECT_NE(record.attributes[2].value, model::Value(reference)) << "the search itself would have masked it";
  EXPECT_TRUE(record.redactions.empty());
}

TEST_F(PumpTest, DuringAnOverlapOfKeysARecordCarriesBothTokens) {
  sanitize::Sanitizer both(sanitize::TokenKeys{{"k2", {1}}, sanitize::TokenKey{"k1", {}}});
  Pump pump({ring_, events_, Assembler(names_, both, ticks_), ticks_, audit_, telemetry_, clock_}, {});
  auto one = draft();
  one.attribute(names_.field("iso8583.2", sanitize::Action::kToken), "4111111111111111");
  write(one);
  ASSERT_FALSE(pump.step(true).blocked);
  const auto record = std::get<model::Transaction>(*model::decode(audit_.appended));
  ASSERT_EQ(record.attributes.size(), 2U);
  EXPECT_TRUE(std::get<std::string>(record.attributes[0].value).starts_with("tok_k2_"));
  EXPECT_EQ(record.attributes[1].key, "iso8583.2.previous");
  EXPECT_EQ(record.attributes[1].value, model::Value(*sanitizer_.token("4111111111111111")));
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

TEST_F(PumpTest, AFullRingLeavesOutTheChildSpansAndCountsThem) {
  Ring small(4096);
  Pump pump({small, events_, Assembler(names_, sanitizer_, ticks_), ticks_, audit_, telemetry_, clock_}, {});
  std::uint32_t written = 0;
  std::uint32_t without = 0;
  for (auto state = Draft::Written::kAll; state != Draft::Written::kNone;) {
    auto one = draft();
    for (int i = 0; i < 15; ++i) (void)one.begin_span(SpanSlot{});
    RingPosition position;
    state = one.write(small, position);
    written += state != Draft::Written::kNone ? 1U : 0U;
    without += state == Draft::Written::kWithoutSpans ? 1U : 0U;
  }
  ASSERT_GT(without, 0U);
  ASSERT_FALSE(pump.step(true).blocked);
  EXPECT_EQ(audit_.count, written);
  EXPECT_EQ(telemetry_.spans_dropped(model::DropCause::kRingFull), without * 16);
}

TEST_F(PumpTest, RestrictedChildSpansAreCountedAndTheTransactionIsKept) {
  pump_.restrict_spans(0.1);  // this trace id is not of that tenth
  auto failed = draft(model::TransactionOutcome::kFailed);
  write(failed);
  ASSERT_FALSE(pump_.step(true).blocked);
  EXPECT_EQ(audit_.count, 1U);
  EXPECT_TRUE(telemetry_.records.empty());
  EXPECT_EQ(telemetry_.spans_dropped(model::DropCause::kRestrictedSampling), 1U);
  pump_.restrict_spans(1.0);
  auto again = draft();
  write(again);
  ASSERT_FALSE(pump_.step(true).blocked);
  EXPECT_EQ(telemetry_.records.size(), 1U);
  EXPECT_EQ(telemetry_.spans_dropped(model::DropCause::kRestrictedSampling), 1U);
}

// What the records of a batch say: whether child spans were kept, and under which threshold.
std::string threshold_of(const model::Record& record) {
  for (const auto& attribute : std::get<model::Transaction>(record).attributes)
    if (attribute.key == "fluxrig.sampling.threshold") return std::get<std::string>(attribute.value);
  return "";
}

TEST_F(PumpTest, TheRecordSaysUnderWhichThresholdItsChildSpansWereKept) {
  struct Case {
    double ratio;
    const char* randomness;  // of the trace
    model::TransactionOutcome outcome;
    bool kept;
    const char* threshold;
  };
  const auto answered = model::TransactionOutcome::kAnswered;
  for (const auto& one : {
           Case{1.0, "a=1", answered, true, ""},
           Case{0.25, "ot=rv:c0000000000000", answered, true, "c"},
           Case{0.25, "ot=rv:bfffffffffffff", answered, false, ""},
           Case{0.25, "ot=th:e;rv:e0000000000000", answered, true, "e"},
           Case{0.25, "ot=rv:bfffffffffffff", model::TransactionOutcome::kFailed, true, ""},
       }) {
    pump_.set_sampling({.ratio = one.ratio});
    auto written = draft(one.outcome);
    written.set_tracestate(one.randomness);
    write(written);
    audit_.appended.clear();
    telemetry_.records.clear();
    ASSERT_FALSE(pump_.step(true).blocked);
    EXPECT_EQ(telemetry_.records.size(), one.kept ? 1U : 0U) << one.randomness;
    EXPECT_EQ(threshold_of(*model::decode(audit_.appended)), one.threshold) << one.randomness;
  }
}

TEST_F(PumpTest, RestrictedSpansThatAreKeptStandForMore) {
  pump_.set_sampling({.ratio = 0.5});
  pump_.restrict_spans(0.25);
  for (const char* state : {"ot=rv:c0000000000000", "ot=rv:90000000000000", "ot=rv:70000000000000"}) {
    auto one = draft();
    one.set_tracestate(state);
    write(one);
  }
  ASSERT_FALSE(pump_.step(true).blocked);
  EXPECT_EQ(audit_.count, 3U);
  EXPECT_EQ(telemetry_.records.size(), 1U);
  EXPECT_EQ(telemetry_.spans_dropped(model::DropCause::kRestrictedSampling), 1U)
      << "the last one is left out by the scenario's own ratio";
  cbor::Decoder items(audit_.appended);
  EXPECT_EQ(threshold_of(*model::decode(*items.skip())), "c");
}

TEST_F(PumpTest, CountsOfKeptSpansCanBeReweighted) {
  SeededRandom random(20261128);
  pump_.set_sampling({.ratio = 0.1});
  double weight = 0;
  std::size_t failed = 0;
  constexpr int kTransactions = 20'000;
  for (int i = 0; i < kTransactions; ++i) {
    const bool fails = i % 100 == 0;
    auto one = draft(fails ? model::TransactionOutcome::kFailed : model::TransactionOutcome::kAnswered);
    one.head().trace_id = make_trace_id(random);
    write(one);
    audit_.appended.clear();
    telemetry_.records.clear();
    ASSERT_FALSE(pump_.step(true).blocked);
    const auto threshold = threshold_of(*model::decode(audit_.appended));
    const auto stated = trace::parse_probability("ot=th:" + (threshold.empty() ? "0" : threshold)).threshold;
    const double each = std::ldexp(1, 56) / static_cast<double>(trace::kRejectAll - *stated);
    weight += each * static_cast<double>(telemetry_.records.size());
    if (!fails) continue;
    failed += telemetry_.records.size();
    EXPECT_EQ(each, 1.0) << "a failed one stands for itself";
  }
  EXPECT_EQ(failed, kTransactions / 100U);
  // Four standard deviations of 19,800 draws at 0.1, times 10, are 1,690.
  EXPECT_NEAR(weight, kTransactions, 1'690);
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
