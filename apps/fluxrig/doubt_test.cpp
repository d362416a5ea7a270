// What a rack's directory leaves in doubt, and what a person sees of it.
#include "fluxrig/doubt.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "model/record_codec.hpp"
#include "wal/memory_disk.hpp"
#include "wal/writer.hpp"

namespace fluxrig::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class DoubtTest : public ::testing::Test {
 protected:
  DoubtTest() { start(); }
  // Another epoch; the one before it was killed.
  void start() {
    writer_.reset();
    wal::WriterSetup setup{disk_, clock_, "audit", machine_, model::Lane::kAudit, {}};
    setup.options.segment_bytes = wal::WriterOptions::kMinSegmentBytes;
    setup.options.free_reserve_bytes = 0;
    setup.options.rack = "edge";
    auto opened = wal::Writer::open(setup);
    ASSERT_TRUE(opened) << opened.error().message;
    writer_ = *std::move(opened);
  }
  model::Intent intent() {
    model::Intent one;
    one.flux_id = make_flux_id(clock_.now(), random_);
    one.trace_id = make_trace_id(random_);
    one.span_id = make_span_id(random_);
    one.gear = "bank";
    one.name = "POST /authorize";
    one.time = clock_.now();
    one.attributes = {{"network.peer.address", std::string("10.1.2.3")},
                      {"iso8583.11", std::string("000042")}};
    return one;
  }
  static model::Transaction outcome_of(const model::Intent& intent) {
    model::Transaction outcome;
    outcome.flux_id = intent.flux_id;
    outcome.trace_id = intent.trace_id;
    outcome.span_id = intent.span_id;
    return outcome;
  }
  void append(const std::vector<model::Record>& records) {
    Bytes bytes;
    for (const auto& record : records) model::encode(record, bytes);
    ASSERT_TRUE(writer_->append(bytes, static_cast<std::uint32_t>(records.size())));
    ASSERT_TRUE(writer_->sync());
  }
  DoubtScan scan(bool running = false, bool all = false) {
    auto done = scan_doubt(disk_, {"audit", running, all}, stderr);
    EXPECT_TRUE(done) << to_string(done.error());
    return done ? *std::move(done) : DoubtScan{};
  }
  static DoubtView drawn(const std::string& json) {
    auto view = draw_doubt(json, Terminal{});
    EXPECT_TRUE(view);
    return view ? *std::move(view) : DoubtView{};
  }

  wal::MemoryDisk disk_;
  ManualClock clock_{UnixNanos{1'795'356'187 * kNanosPerSecond}};
  SeededRandom random_{5};
  MachineId machine_ = make_machine_id(random_);
  std::unique_ptr<wal::Writer> writer_;
};

TEST_F(DoubtTest, IntentsWithoutOutcomeAreListedWithTheBusinessFieldsFirst) {
  const auto settled = intent();
  const auto open = intent();
  append({settled, open});
  append({outcome_of(settled)});
  const auto view = drawn(scan().json);
  EXPECT_EQ(view.unsettled, 1U);
  EXPECT_THAT(view.text, HasSubstr(to_string(open.flux_id)));
  EXPECT_THAT(view.text, Not(HasSubstr(to_string(settled.flux_id))));
  EXPECT_THAT(view.text, HasSubstr("1 #2"));
  EXPECT_THAT(view.text, HasSubstr("in_doubt"));
  EXPECT_THAT(view.text, HasSubstr("iso8583.11=000042 network.peer.address=10.1.2.3"));
  EXPECT_THAT(view.text, HasSubstr("1 transaction left the rack, or was about to, and has no outcome"));
}

TEST_F(DoubtTest, NothingOpenIsSaidToBeNothing) {
  const auto settled = intent();
  append({settled, outcome_of(settled)});
  const auto view = drawn(scan().json);
  EXPECT_EQ(view.unsettled, 0U);
  EXPECT_EQ(view.text, "no transaction is in doubt\n");
}

TEST_F(DoubtTest, OfARunningRackOnlyTheNewestEpochIsInFlight) {
  const auto old = intent();
  append({old});
  start();
  const auto fresh = intent();
  append({fresh});
  const auto usual = drawn(scan(true).json);
  EXPECT_EQ(usual.unsettled, 1U);
  EXPECT_THAT(usual.text, HasSubstr(to_string(old.flux_id)));
  EXPECT_THAT(usual.text, Not(HasSubstr(to_string(fresh.flux_id))));
  const auto all = drawn(scan(true, true).json);
  EXPECT_EQ(all.unsettled, 1U);
  EXPECT_THAT(all.text, HasSubstr(to_string(fresh.flux_id)));
  EXPECT_THAT(all.text, HasSubstr("in_flight"));
  EXPECT_EQ(drawn(scan(false).json).unsettled, 2U);
}

TEST_F(DoubtTest, AnOutcomeOfAnotherEpochIsAnotherTransactions) {
  const auto open = intent();
  append({open});
  start();
  append({outcome_of(open)});
  EXPECT_EQ(drawn(scan().json).unsettled, 1U);
}

TEST_F(DoubtTest, AnIntentThatComesAgainUnderTheSameSpanIsOpenOnce) {
  const auto open = intent();
  append({open, open});
  EXPECT_EQ(drawn(scan().json).unsettled, 1U);
  append({outcome_of(open)});
  EXPECT_EQ(drawn(scan().json).unsettled, 0U);
}

TEST_F(DoubtTest, AListThatWasCutSaysSo) {
  const auto cut = drawn(R"({"doubt":[{"state":"in_doubt"}],"truncated":true})");
  EXPECT_THAT(cut.text, HasSubstr("there are more: these are the oldest 1"));
  const auto in_flight = drawn(R"({"doubt":[{"state":"in_flight"}],"truncated":true})");
  EXPECT_THAT(in_flight.text, Not(HasSubstr("no transaction is in doubt")));
  EXPECT_THAT(in_flight.text, HasSubstr("there are more"));
  EXPECT_THAT(drawn(R"({"doubt":[{"state":"in_doubt"}],"truncated":false})").text, Not(HasSubstr("more")));
}

TEST_F(DoubtTest, HostileAnswersAreRefusedOrMadeHarmless) {
  for (const char* json : {"", "[]", "{}", "{\"doubt\":{}}", "{\"doubt\":[", "\x80"})
    EXPECT_FALSE(draw_doubt(json, Terminal{})) << json;
  const auto view = drawn(
      R"({"doubt":[1,null,{"state":"\u001b[31mx","time":4,"attributes":[1],"rack":{"a":1}}],"truncated":"x"})");
  EXPECT_EQ(view.unsettled, 1U);
  EXPECT_EQ(view.text.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace fluxrig::client
