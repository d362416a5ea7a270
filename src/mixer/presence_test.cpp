#include "mixer/presence.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace fluxrig::mixer
