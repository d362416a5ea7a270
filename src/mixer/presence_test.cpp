#include "mixer/presence.hpp"

#include <gtest/gtest.h>

#include "sink/store_fixture.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::int64_t kSecond = kNanosPerSecond;

class PresenceTest : public ::testing::Test {
 protected:
  void heartbeat(std::int64_t at, std::optional<model::RackPressure> pressure = std::nullopt) {
    presence_.heartbeat(rack_, "edge", {{7}, "{}", std::move(pressure)}, {at * kSecond});
  }
  static model::RackPressure standing(model::PressureState state, std::uint64_t backlog) {
    model::RackPressure pressure;
    pressure.state = state;
    pressure.backlog_bytes = backlog;
    return pressure;
  }
  std::optional<UnixNanos> since(std::int64_t now) { return presence_.present_since(rack_, {now * kSecond}); }

  MachineId rack_;
  Presence presence_;
};

TEST_F(PresenceTest, IsHereSinceItsFirstWordUntilThreeHeartbeatsAreMissing) {
  EXPECT_FALSE(since(100));
  heartbeat(100);
  heartbeat(105);
  EXPECT_EQ(since(110), UnixNanos{100 * kSecond});
  EXPECT_FALSE(since(121));
  heartbeat(200);
  EXPECT_EQ(since(200), UnixNanos{200 * kSecond});
}

TEST_F(PresenceTest, WhatAHelloSaidOfItsHostHoldsForThatStartOnly) {
  EXPECT_FALSE(presence_.resource_of(rack_, {7}));
  presence_.hello({rack_, "edge", "0.1.0", {7}, {1}, {1}, ""}, std::nullopt,
                  {{"host.name", std::string("shop-17")}});
  const auto told = presence_.resource_of(rack_, {7});
  ASSERT_TRUE(told);
  EXPECT_EQ(told->version, "0.1.0");
  ASSERT_EQ(told->attributes.size(), 1U);
  EXPECT_EQ(told->attributes[0].key, "host.name");
  EXPECT_FALSE(presence_.resource_of(rack_, {6}))
      << "records of an earlier start may come out of its backlog";
  presence_.hello({rack_, "edge", "0.2.0", {8}, {1}, {1}, ""});
  EXPECT_FALSE(presence_.resource_of(rack_, {7}));
  EXPECT_TRUE(presence_.resource_of(rack_, {8})->attributes.empty()) << "an older rack says nothing";
}

// Else hours of a backlog would be gaps as soon as the rack is back.
TEST_F(PresenceTest, ARackThatHoldsSomethingBackIsLateAndNotMissing) {
  heartbeat(100, standing(model::PressureState::kNormal, 0));
  heartbeat(105, standing(model::PressureState::kDivert, 0));
  EXPECT_EQ(since(106), UnixNanos{105 * kSecond});
  heartbeat(110, standing(model::PressureState::kReplay, 1'000'000));
  EXPECT_EQ(since(111), UnixNanos{110 * kSecond});
  heartbeat(115, standing(model::PressureState::kNormal, 5));
  heartbeat(120, standing(model::PressureState::kNormal, 0));
  heartbeat(125, standing(model::PressureState::kNormal, 0));
  EXPECT_EQ(since(126), UnixNanos{115 * kSecond});
}

class PresenceStartsTest : public ::testing::Test {
 protected:
  void hello(std::uint32_t epoch, std::optional<Epoch> before) {
    sink::RackPresence one;
    one.machine_id = rack_;
    one.rack = "edge";
    one.epoch = {epoch};
    presence_.hello(one, before);
  }
  MachineId rack_;
  Presence presence_;
};

TEST_F(PresenceStartsTest, ADirectoryThatDoesNotKnowTheStartThatSaidHelloIsAnOldCopy) {
  hello(10, Epoch{0});
  hello(10, Epoch{0});   // connected again
  hello(20, Epoch{10});  // started again
  hello(40, Epoch{30});  // 30 never got through
  EXPECT_TRUE(presence_.take_old_copies().empty());
  hello(50, Epoch{30});
  const auto copies = presence_.take_old_copies();
  ASSERT_EQ(copies.size(), 1U);
  EXPECT_EQ(copies[0].rack, "edge");
  EXPECT_EQ(copies[0].epoch, Epoch{50});
  EXPECT_EQ(copies[0].before, Epoch{30});
  EXPECT_EQ(copies[0].known, Epoch{40});
  EXPECT_TRUE(presence_.take_old_copies().empty()) << "handed out once";
  presence_.give_back(copies);
  EXPECT_EQ(presence_.take_old_copies().size(), 1U);
}

// While epochs are ahead of the clock the old copy's next one may be lower than the one that it replaces.
TEST_F(PresenceStartsTest, AnOldCopyMayTakeALowerEpoch) {
  hello(10, Epoch{0});
  hello(900, Epoch{10});
  hello(500, Epoch{10});
  EXPECT_EQ(presence_.take_old_copies().size(), 1U);
}

TEST_F(PresenceStartsTest, ADirectoryThatKnowsOfNoStartWasLost) {
  hello(10, Epoch{0});
  hello(20, Epoch{0});
  EXPECT_EQ(presence_.take_old_copies().size(), 1U);
}

TEST_F(PresenceStartsTest, ARackThatCannotTellAccusesNobody) {
  hello(10, std::nullopt);
  hello(20, std::nullopt);
  EXPECT_TRUE(presence_.take_old_copies().empty());
}

TEST_F(PresenceStartsTest, AHeartbeatTellsTheEpochAsWell) {
  presence_.heartbeat(rack_, "edge", {{10}, "{}"}, {1});
  hello(20, Epoch{5});
  EXPECT_EQ(presence_.take_old_copies().size(), 1U);
}

// A backup put back while the mixer is down, or before its next start.
class PresenceOverRestartTest : public sink::StoreTest {};

TEST_F(PresenceOverRestartTest, TheStoreRemembersWhichStartSaidHelloLast) {
  open();
  sink::RackPresence one;
  one.machine_id = machine_;
  one.rack = "edge";
  one.epoch = {900};
  one.started = one.last_seen = clock_.now();
  ASSERT_TRUE(sink().remember(one));
  Presence presence;
  presence.recall(store_->queries(), diagnostics_);
  EXPECT_TRUE(presence.all().empty()) << "remembered, not heard of";
  one.epoch = {500};
  presence.hello(one, Epoch{400});
  const auto copies = presence.take_old_copies();
  ASSERT_EQ(copies.size(), 1U);
  EXPECT_EQ(copies[0].known, Epoch{900});
}

}  // namespace
}  // namespace fluxrig::mixer
