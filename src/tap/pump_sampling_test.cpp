// Which child spans are kept, and what the records and counters say of those that are not.
#include <cmath>

#include "base/random.hpp"
#include "cbor/decoder.hpp"
#include "tap/pump_fixture.hpp"

namespace fluxrig::tap {
namespace {

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

}  // namespace
}  // namespace fluxrig::tap
