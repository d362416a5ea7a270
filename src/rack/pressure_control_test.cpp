#include "rack/pressure_control.hpp"

#include <gtest/gtest.h>

namespace fluxrig::rack {
namespace {

using State = model::PressureState;

class PressureControlTest : public ::testing::Test {
 protected:
  static constexpr std::int64_t kSecond = kNanosPerSecond;

  model::PressureLease lease(std::uint8_t level) {
    model::PressureLease lease;
    lease.mixer_started = {1};
    lease.sequence = ++sequence_;
    lease.level = level;
    lease.cause = level == 0 ? model::PressureCause::kNone : model::PressureCause::kSinkErrors;
    lease.replay_bytes_per_s = 100'000;
    lease.lease_ms = 10'000;
    return lease;
  }
  // Steps each 100 ms of the time; the transitions on the way.
  std::vector<State> run(std::int64_t seconds) {
    std::vector<State> states;
    for (int i = 0; i < seconds * 10; ++i) {
      now_.value += kSecond / 10;
      if (const auto transition = control_.step(situation_, now_)) states.push_back(transition->to);
    }
    return states;
  }

  SeededRandom random_{1};
  MonotonicNanos now_{kSecond};
  std::uint64_t sequence_ = 0;
  PressureControl control_{random_, now_};
  PressureControl::Situation situation_{true, {}, 0};
};

TEST_F(PressureControlTest, FollowsTheMixersLevelsAndComesBackByItself) {
  control_.take(lease(2), now_, now_);
  EXPECT_EQ(run(1), (std::vector{State::kDivert}));
  EXPECT_EQ(control_.report(now_).cause, "sink_errors");
  situation_.backlog_bytes = 1'000'000;
  control_.take(lease(0), now_, now_);
  EXPECT_EQ(run(9), (std::vector{State::kReplay}));
  situation_.backlog_bytes = 0;
  control_.take(lease(0), now_, now_);
  EXPECT_EQ(run(9), (std::vector{State::kNormal}));
}

TEST_F(PressureControlTest, TheBacklogMovesInReplayAloneAndInsideTheBudget) {
  situation_.backlog_bytes = 10'000'000;
  control_.take(lease(0), now_, now_);
  EXPECT_FALSE(control_.pay_backlog(1000, now_)) << "NORMAL";
  run(9);
  ASSERT_EQ(control_.state(), State::kReplay);
  std::uint64_t paid = 0;
  for (int i = 0; i < 300; ++i) {
    if (i % 20 == 0) control_.take(lease(0), now_, now_);
    run(0);
    now_.value += kSecond / 10;
    (void)control_.step(situation_, now_);
    while (control_.pay_backlog(10'000, now_)) paid += 10'000;
  }
  EXPECT_GT(paid, 1'000'000U);
  EXPECT_LE(paid, 30U * 100'000 + 48'000);
  EXPECT_GT(control_.report(now_).replay_bytes_per_s, 50'000U);
  ASSERT_TRUE(control_.report(now_).seconds_left);
  EXPECT_GT(*control_.report(now_).seconds_left, 90U);
  situation_.backlog_bytes = 0;
  control_.take(lease(0), now_, now_);
  run(9);
  ASSERT_EQ(control_.state(), State::kNormal);
  EXPECT_EQ(control_.report(now_).replay_bytes_per_s, 0U) << "nothing is replayed any more";
}

TEST_F(PressureControlTest, WithoutNewsOfTheLeaseNothingIsSent) {
  control_.take(lease(0), now_, now_);
  run(3);
  EXPECT_EQ(control_.state(), State::kNormal);
  EXPECT_EQ(run(9), (std::vector{State::kDivert}));
  EXPECT_EQ(control_.report(now_).cause, "lease_expired");
}

TEST_F(PressureControlTest, LiveRecordsKeepToTheLeasesPaceInRestrictOnly) {
  auto paced = lease(0);
  paced.pace_bytes_per_s = 10'000;
  control_.take(paced, now_, now_);
  run(1);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(control_.pay_live(10'000, now_));
  paced = lease(1);
  paced.pace_bytes_per_s = 10'000;
  control_.take(paced, now_, now_);
  ASSERT_EQ(run(1), (std::vector{State::kRestrict}));
  std::uint64_t paid = 0;
  for (int i = 0; i < 80; ++i) {
    now_.value += kSecond / 10;
    (void)control_.step(situation_, now_);
    while (control_.pay_live(1'000, now_)) paid += 1'000;
  }
  EXPECT_GE(paid, 70'000U);
  EXPECT_LE(paid, 100'000U);
}

TEST_F(PressureControlTest, AnOperatorsWordHoldsForItsTime) {
  control_.take(lease(0), now_, now_);
  control_.force(pressure::Forced{State::kDivert, {now_.value + 5 * kSecond}});
  EXPECT_EQ(run(1), (std::vector{State::kDivert}));
  EXPECT_EQ(control_.report(now_).cause, "operator");
  control_.take(lease(0), now_, now_);
  run(6);
  control_.take(lease(0), now_, now_);
  run(6);
  EXPECT_EQ(control_.state(), State::kNormal);
}

}  // namespace
}  // namespace fluxrig::rack
