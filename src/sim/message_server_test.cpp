#include "sim/message_server.hpp"

#include <gtest/gtest.h>

#include "sanitize/test_clean_bytes.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::sim {
namespace {

struct MessageServerTest : testing::Test {
  MessageServerTest() { plan.stream_bytes = 100; }

  [[nodiscard]] bool store(const std::string& subject, std::size_t bytes = 10) {
    return server().store({subject, {}, sanitize::TestBytes::of(Bytes(bytes, 1)), {}}).has_value();
  }
  [[nodiscard]] std::vector<snake::Delivery> pull() { return server().pull(snake::kStreamAudit, 100); }
  // Made with the plan as the test has left it.
  MessageServer& server() {
    if (!server_) server_.emplace(world);
    return *server_;
  }

  Plan plan;
  ManualClock clock;
  SeededRandom random{1};
  Schedule schedule{clock, random};
  Journal journal;
  Oracle oracle;
  MessageLedger messages{oracle};
  TelemetryLedger telemetry{oracle};
  LossLedger losses{oracle};
  World world{plan, clock, random, schedule, journal, oracle, messages, telemetry, losses};
  std::optional<MessageServer> server_;
};

TEST_F(MessageServerTest, DeliversEachMessageOnceWhileItWaits) {
  ASSERT_TRUE(store("flux.audit.a"));
  ASSERT_TRUE(store("flux.audit.a"));
  EXPECT_EQ(pull().size(), 2U);
  EXPECT_TRUE(pull().empty());
}

TEST_F(MessageServerTest, DeliversAgainWhatIsNotAcknowledgedInTime) {
  ASSERT_TRUE(store("flux.audit.a"));
  ASSERT_EQ(pull().size(), 1U);
  clock.advance(MessageServer::kAcknowledgeWait);
  const auto again = pull();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].deliveries, 2U);
}

TEST_F(MessageServerTest, ForgetsWhatIsAcknowledged) {
  ASSERT_TRUE(store("flux.audit.a"));
  server().acknowledge(pull().at(0).reply);
  clock.advance(MessageServer::kAcknowledgeWait);
  EXPECT_TRUE(pull().empty());
  EXPECT_EQ(server().waiting(), 0U);
}

TEST_F(MessageServerTest, RefusesForSoLongAndKeepsWhatItHas) {
  ASSERT_TRUE(store("flux.audit.a"));
  server().refuse_for(kNanosPerSecond);
  EXPECT_FALSE(store("flux.audit.a"));
  EXPECT_FALSE(store("flux.telemetry.a"));
  EXPECT_EQ(pull().size(), 1U);
  clock.advance(kNanosPerSecond);
  EXPECT_TRUE(store("flux.audit.a"));
  server().refuse_for(kNanosPerSecond);
  server().refuse_for(0);
  EXPECT_TRUE(store("flux.audit.a"));
}

TEST_F(MessageServerTest, AFullStreamRefusesWhatIsNew) {
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(store("flux.audit.a"));
    ASSERT_TRUE(store("flux.telemetry.a"));
  }
  EXPECT_FALSE(store("flux.audit.a"));
  EXPECT_FALSE(store("flux.telemetry.a"));
  EXPECT_EQ(server().waiting(), 20U);
}

TEST_F(MessageServerTest, AWipeForgetsEverythingAndBeginsToCountAnew) {
  ASSERT_TRUE(store("flux.audit.a"));
  (void)pull();
  server().wipe();
  EXPECT_EQ(server().waiting(), 0U);
  ASSERT_TRUE(store("flux.audit.a"));
  EXPECT_TRUE(pull().at(0).reply.starts_with("FLUX_AUDIT.1."));
}

// A publish before it was lost: that it arrives after the restart would break the order of its connection.
TEST_F(MessageServerTest, HearsNothingOfAConnectionToAnEarlierLife) {
  Peer::Connection before{.life = server().life()};
  EXPECT_TRUE(server().hears(before));
  server().set_up(false);
  EXPECT_FALSE(server().hears(before));
  server().set_up(true);
  EXPECT_FALSE(server().hears(before));
  Peer::Connection after{.cut = 10, .life = server().life()};
  EXPECT_TRUE(server().hears(after));
  clock.advance(10);
  EXPECT_FALSE(server().hears(after));
}

TEST_F(MessageServerTest, NoStreamListensOnAStrangeSubject) { EXPECT_FALSE(store("flux.other")); }

TEST_F(MessageServerTest, TheScheduleRunsInTheOrderOfTime) {
  std::string order;
  schedule.after(20, [&] { order += 'b'; });
  schedule.after(10, [&] { order += 'a'; });
  schedule.after(30, [&] { order += 'c'; });
  while (schedule.run_one()) {
  }
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(schedule.now(), 30);
}

}  // namespace
}  // namespace fluxrig::sim
