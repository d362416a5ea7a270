#include "lane/token_bucket.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "base/random.hpp"

namespace fluxrig::lane {
namespace {

constexpr MonotonicNanos kStart{5 * kNanosPerSecond};
MonotonicNanos after(std::int64_t nanos) { return {kStart.value + nanos}; }

TEST(TokenBucket, StartsFullAndThenEarnsItsRate) {
  TokenBucket bucket(1000, 500, kStart);
  EXPECT_TRUE(bucket.take(500, kStart));
  EXPECT_FALSE(bucket.take(1, kStart));
  EXPECT_FALSE(bucket.take(100, after(99'999'999)));
  EXPECT_TRUE(bucket.take(100, after(100'000'000)));
}

TEST(TokenBucket, NeverHoldsMoreThanItsBurst) {
  TokenBucket bucket(1000, 500, kStart);
  const auto later = after(30 * 86'400 * kNanosPerSecond);
  EXPECT_TRUE(bucket.take(500, later));
  EXPECT_FALSE(bucket.take(1, later));
}

TEST(TokenBucket, WhatIsLargerThanTheBurstPassesWhenFullAndIsPaidOffAfterwards) {
  TokenBucket bucket(1000, 500, kStart);
  EXPECT_TRUE(bucket.take(2500, kStart));
  EXPECT_EQ(bucket.ready_at(1, kStart), after(2'001'000'000));
  EXPECT_FALSE(bucket.take(1, after(2'000'000'000)));
  EXPECT_TRUE(bucket.take(1, after(2'001'000'000)));
}

TEST(TokenBucket, RateZeroEarnsNothingAndIsNeverReady) {
  TokenBucket bucket(1000, 500, kStart);
  ASSERT_TRUE(bucket.take(500, kStart));
  bucket.set_rate(0, kStart);
  EXPECT_FALSE(bucket.take(1, after(1'000 * kNanosPerSecond)));
  EXPECT_EQ(bucket.ready_at(1, kStart).value, std::numeric_limits<std::int64_t>::max());
}

TEST(TokenBucket, AChangeOfRateKeepsWhatWasEarnedBefore) {
  TokenBucket bucket(1000, 500, kStart);
  ASSERT_TRUE(bucket.take(500, kStart));
  bucket.set_rate(10, after(200'000'000));
  EXPECT_TRUE(bucket.take(200, after(200'000'000)));
  EXPECT_FALSE(bucket.take(1, after(299'999'999)));
  EXPECT_TRUE(bucket.take(1, after(300'000'000)));
}

TEST(TokenBucket, EmptiedItStartsFromNothingAndForgivesNoDebt) {
  TokenBucket bucket(1000, 500, kStart);
  bucket.empty(kStart);
  EXPECT_FALSE(bucket.take(1, kStart));
  ASSERT_TRUE(bucket.take(600, after(kNanosPerSecond)));
  bucket.empty(after(kNanosPerSecond));
  EXPECT_FALSE(bucket.take(1, after(kNanosPerSecond + 100'000'000)));
  EXPECT_TRUE(bucket.take(1, after(kNanosPerSecond + 101'000'000)));
}

TEST(TokenBucket, SmallStepsEarnAsMuchAsLargeOnes) {
  TokenBucket bucket(7, 1000, kStart);
  ASSERT_TRUE(bucket.take(1000, kStart));
  // 7 bytes/s looked at each 0.123 ms: most steps earn no whole byte.
  for (std::int64_t at = 0; at < 100 * kNanosPerSecond; at += 123'000)
    EXPECT_FALSE(bucket.take(701, after(at)));
  EXPECT_TRUE(bucket.take(700, after(100 * kNanosPerSecond)));
  EXPECT_FALSE(bucket.take(1, after(100 * kNanosPerSecond)));
}

TEST(TokenBucket, ATimeThatGoesBackEarnsNothingTwice) {
  TokenBucket bucket(1000, 500, kStart);
  ASSERT_TRUE(bucket.take(500, after(kNanosPerSecond)));
  EXPECT_FALSE(bucket.take(1, kStart));
  EXPECT_FALSE(bucket.take(501, after(kNanosPerSecond)));
}

// Any rates, sizes and times: no interval lets more pass than rate * time + burst, the moment that ready_at
// names is enough, and the one before it is not.
TEST(TokenBucket, NoSequenceOfStepsPassesMoreThanRateTimesTimeAndOneBurst) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SeededRandom random(seed);
    const std::uint64_t rate = 1 + random.below(std::uint64_t{1} << (1 + random.below(33)));
    const std::uint64_t burst = 1 + random.below(std::uint64_t{1} << (1 + random.below(30)));
    TokenBucket bucket(rate, burst, kStart);
    MonotonicNanos now = kStart;
    long double passed = 0;
    for (int step = 0; step < 500; ++step) {
      now.value += static_cast<std::int64_t>(random.below(std::uint64_t{1} << random.below(36)));
      const std::uint64_t bytes = 1 + random.below(burst);
      if (random.below(4) == 0) {
        const auto ready = bucket.ready_at(bytes, now);
        if (ready > now) {
          TokenBucket early = bucket;
          ASSERT_FALSE(early.take(bytes, {ready.value - 2})) << "seed " << seed << ", step " << step;
        }
        ASSERT_TRUE(bucket.take(bytes, ready)) << "seed " << seed << ", step " << step;
        now = ready;
      } else if (!bucket.take(bytes, now)) {
        continue;
      }
      passed += static_cast<long double>(bytes);
      const auto seconds = static_cast<long double>(now.value - kStart.value) / kNanosPerSecond;
      ASSERT_LE(passed, static_cast<long double>(rate) * seconds + static_cast<long double>(burst) + 0.001L)
          << "seed " << seed << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace fluxrig::lane
