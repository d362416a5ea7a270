#include "pressure/sink_capacity.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.hpp"

namespace fluxrig::pressure {
namespace {

constexpr std::int64_t kSecond = kNanosPerSecond;
constexpr double kMiB = 1 << 20;

class SinkCapacityTest : public testing::Test {
 protected:
  SinkCapacityTest() { capacity_.observe({now_}); }
  // One round of two seconds: so many bytes a second, busy for that part of the time.
  double round(double rate, double busy, std::uint8_t level = 0, double fill = 1) {
    now_.value += 2 * kSecond;
    capacity_.observe({now_, static_cast<std::uint64_t>(2 * rate),
                       static_cast<std::int64_t>(busy * 2 * kSecond), fill, level});
    return estimate();
  }
  [[nodiscard]] double estimate() const { return static_cast<double>(capacity_.bytes_per_s()); }

  MonotonicNanos now_;
  SinkCapacity capacity_{{}};
};

TEST_F(SinkCapacityTest, GrowsByTheSameAmountWhileTheStoreKeepsUp) {
  for (int i = 0; i < 60; ++i) (void)round(estimate(), 0.3);
  const double before = estimate();
  ASSERT_GT(before, 10 * kMiB);
  const double step = round(before, 0.3) - before;
  EXPECT_NEAR(step, 2.0 * (256 << 10), 2);
  EXPECT_NEAR(round(estimate(), 0.3) - before, 2 * step, 2);
}

TEST_F(SinkCapacityTest, ASmallEstimateGrowsByAPartOfItself) {
  EXPECT_NEAR(round(estimate(), 0.3), 1.1 * (512 << 10), 2);
}

TEST_F(SinkCapacityTest, IsNeverBelowWhatTheStoreHasTakenWithEase) {
  EXPECT_NEAR(round(20 * kMiB, 0.4), 20 * kMiB, 2);
}

TEST_F(SinkCapacityTest, ShrinksByAPartAtMostOnceInFiveSeconds) {
  const double before = estimate();
  EXPECT_NEAR(round(before, 1.0), 0.7 * before, 1);
  EXPECT_NEAR(round(before, 1.0), 0.7 * before, 1);  // 2 s later
  EXPECT_NEAR(round(before, 1.0), 0.7 * before, 1);  // 4 s
  EXPECT_NEAR(round(before, 1.0), 0.49 * before, 1);
}

TEST_F(SinkCapacityTest, ShrinksAtOnceWhenTheLevelRises) {
  const double before = estimate();
  EXPECT_NEAR(round(before, 0.2, 1), 0.7 * before, 1);
  EXPECT_NEAR(round(before, 0.2, 2), 0.49 * before, 1);  // worse: does not wait
  EXPECT_NEAR(round(before, 0.2, 2), 0.49 * before, 1);
}

TEST_F(SinkCapacityTest, DoesNotGrowWithoutBeingUsed) {
  const double before = round(8 * kMiB, 0.4);
  EXPECT_LE(round(1000, 0.01), before);
}

TEST_F(SinkCapacityTest, AnEstimateThatIsNotUsedAges) {
  const double before = round(8 * kMiB, 0.4);
  for (int i = 0; i < 60; ++i) (void)round(1 * kMiB, 0.1);
  EXPECT_NEAR(estimate(), before / 2, before / 50);
  for (int i = 0; i < 600; ++i) (void)round(1 * kMiB, 0.1);
  EXPECT_NEAR(estimate(), 2 * kMiB, kMiB / 10);  // what was used still is half of it
}

TEST_F(SinkCapacityTest, SmallBatchesThatTakeTheirTimeDoNotShrinkIt) {
  const double before = estimate();
  EXPECT_GE(round(0.6 * before, 1.0, 0, 0.01), before);  // a slow disk, hardly any data
}

TEST_F(SinkCapacityTest, StaysWithinItsBounds) {
  for (int i = 0; i < 1000; ++i) (void)round(0, 1, 3);
  EXPECT_EQ(capacity_.bytes_per_s(), 64U << 10);
  (void)round(1e15, 0.1);
  for (int i = 0; i < 4; ++i) (void)round(1e15, 0.1);
  EXPECT_EQ(capacity_.bytes_per_s(), 1ULL << 30);
}

TEST_F(SinkCapacityTest, ARoundThatTookNoTimeChangesNothing) {
  const auto before = capacity_.bytes_per_s();
  capacity_.observe({now_, 1U << 30, kSecond, 1, 3});
  EXPECT_EQ(capacity_.bytes_per_s(), before);
}

// A store of any speed that is given as much as the estimate says: it is used well and never overloaded for
// long.
TEST(SinkCapacity, SettlesWhereTheStoreIsBusyAndNotFull) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SeededRandom random(seed);
    double speed = kMiB * std::exp2(static_cast<double>(random.below(7)));  // 1 to 64 MiB/s
    SinkCapacity capacity({});
    MonotonicNanos now;
    capacity.observe({now});
    double queued = 0;
    double settled = 0;
    int rounds = 0;
    for (int i = 0; i < 1500; ++i) {
      const double noise = 0.95 + static_cast<double>(random.below(100)) / 1000;
      if (i == 700) speed /= 2;  // a busy neighbour, say
      const double offered = queued + static_cast<double>(capacity.bytes_per_s());
      const double taken = std::min(offered, speed * noise);
      queued = offered - taken;
      now.value += kSecond;
      capacity.observe({now, static_cast<std::uint64_t>(taken),
                        static_cast<std::int64_t>(taken / (speed * noise) * kSecond)});
      if (i < 600 || (i >= 700 && i < 800)) continue;
      ASSERT_LT(queued, speed) << "seed " << seed << ", round " << i << ": over a second of work waits";
      settled += static_cast<double>(capacity.bytes_per_s()) / speed;
      ++rounds;
    }
    ASSERT_GT(settled / rounds, 0.6) << "seed " << seed;
    ASSERT_LT(settled / rounds, 0.95) << "seed " << seed;
  }
}

}  // namespace
}  // namespace fluxrig::pressure
