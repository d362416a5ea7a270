#include "pressure/replay_pace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace fluxrig::pressure {
namespace {

constexpr std::int64_t kSecond = kNanosPerSecond;
constexpr std::uint64_t kChunk = 4096;
constexpr ReplayPace::Options kOptions{};

struct Sent {
  MonotonicNanos at;
  std::uint64_t bytes = 0;
};

// Sends whatever the pace allows, woken by next_at alone.
std::vector<Sent> drive(ReplayPace& pace, MonotonicNanos from, MonotonicNanos until) {
  std::vector<Sent> sent;
  MonotonicNanos now = from;
  while (now < until) {
    if (pace.take(kChunk, now)) {
      sent.push_back({now, kChunk});
      continue;
    }
    const auto next = pace.next_at(kChunk, now);
    if (!next) break;
    now = std::max(*next, MonotonicNanos{now.value + 1});
  }
  return sent;
}

std::uint64_t bytes_in(const std::vector<Sent>& sent, std::int64_t from, std::int64_t until) {
  std::uint64_t sum = 0;
  for (const auto& one : sent)
    if (one.at.value >= from && one.at.value < until) sum += one.bytes;
  return sum;
}

TEST(ReplayPace, IsPausedUntilItIsResumedWithABudget) {
  SeededRandom random(1);
  ReplayPace pace(random, {0}, kOptions);
  EXPECT_TRUE(pace.paused());
  EXPECT_FALSE(pace.take(1, {kSecond}));
  pace.set_budget(0, {kSecond});
  pace.resume({kSecond});
  EXPECT_TRUE(pace.paused());
  EXPECT_FALSE(pace.next_at(1, {100 * kSecond}));
  pace.set_budget(100'000, {100 * kSecond});
  EXPECT_FALSE(pace.paused());
}

TEST(ReplayPace, StartsSlowlyAndThenUsesItsBudget) {
  SeededRandom random(2);
  ReplayPace pace(random, {0}, kOptions);
  pace.set_budget(1'000'000, {0});
  pace.resume({0});
  const auto sent = drive(pace, {0}, {60 * kSecond});
  ASSERT_FALSE(sent.empty());
  EXPECT_LE(sent.front().at.value, kOptions.longest_start + kSecond / 2);
  EXPECT_LT(bytes_in(sent, 0, 3 * kSecond), 1'000'000U);
  EXPECT_NEAR(static_cast<double>(bytes_in(sent, 20 * kSecond, 60 * kSecond)), 40e6, 0.4e6);
  EXPECT_NEAR(static_cast<double>(pace.rate({60 * kSecond})), 1e6, 5e4);
  EXPECT_NEAR(static_cast<double>(pace.seconds_left(30'000'000, {60 * kSecond}).value_or(0)), 30, 2);
}

TEST(ReplayPace, NeverPassesItsBudgetAndOneBurst) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SeededRandom random(seed);
    ReplayPace pace(random, {0}, kOptions);
    pace.set_budget(200'000, {0});
    pace.resume({0});
    const auto sent = drive(pace, {0}, {40 * kSecond});
    for (std::size_t first = 0; first < sent.size(); ++first) {
      std::uint64_t sum = 0;
      for (std::size_t i = first; i < std::min(sent.size(), first + 200); ++i) {
        sum += sent[i].bytes;
        const auto nanos = static_cast<double>(sent[i].at.value - sent[first].at.value);
        ASSERT_LE(static_cast<double>(sum), 0.0002 * nanos + static_cast<double>(kOptions.burst_bytes) + 1)
            << "seed " << seed << ", chunks " << first << " to " << i;
      }
    }
  }
}

TEST(ReplayPace, PausesAtOnceAndStartsSlowlyAgain) {
  SeededRandom random(3);
  ReplayPace pace(random, {0}, kOptions);
  pace.set_budget(1'000'000, {0});
  pace.resume({0});
  ASSERT_GT(drive(pace, {0}, {30 * kSecond}).size(), 1000U);
  pace.pause({30 * kSecond});
  EXPECT_FALSE(pace.take(1, {30 * kSecond}));
  EXPECT_FALSE(pace.next_at(1, {30 * kSecond}));
  EXPECT_FALSE(pace.seconds_left(1000, {30 * kSecond}));
  pace.resume({40 * kSecond});
  const auto sent = drive(pace, {40 * kSecond}, {43 * kSecond});
  EXPECT_LT(bytes_in(sent, 40 * kSecond, 43 * kSecond), 1'000'000U);
}

TEST(ReplayPace, ABudgetOfZeroPausesAtOnceAndLessMeansLessAtOnce) {
  SeededRandom random(4);
  ReplayPace pace(random, {0}, kOptions);
  pace.set_budget(1'000'000, {0});
  pace.resume({0});
  (void)drive(pace, {0}, {30 * kSecond});
  pace.set_budget(10'000, {30 * kSecond});
  const auto sent = drive(pace, {30 * kSecond}, {40 * kSecond});
  EXPECT_LE(bytes_in(sent, 30 * kSecond, 40 * kSecond), 100'000U + kOptions.burst_bytes);
  pace.set_budget(0, {40 * kSecond});
  EXPECT_FALSE(pace.take(1, {41 * kSecond}));
  EXPECT_TRUE(pace.paused());
}

TEST(ReplayPace, WithoutAnyLeaseItKeepsToItsOwnBudget) {
  SeededRandom random(5);
  ReplayPace pace(random, {0}, kOptions);
  pace.set_budget(std::nullopt, {0});
  pace.resume({0});
  const auto sent = drive(pace, {0}, {40 * kSecond});
  const double expected = 20.0 * static_cast<double>(kOptions.unleased_bytes_per_s);
  EXPECT_NEAR(static_cast<double>(bytes_in(sent, 20 * kSecond, 40 * kSecond)), expected, expected / 50);
}

TEST(ReplayPace, AThousandRacksDoNotBeginTogether) {
  SeededRandom random(6);
  std::vector<std::int64_t> begins;
  for (int rack = 0; rack < 1000; ++rack) {
    ReplayPace pace(random, {0}, kOptions);
    pace.set_budget(100'000, {0});
    pace.resume({0});
    const auto next = pace.next_at(kChunk, {0});
    ASSERT_TRUE(next);
    begins.push_back(next->value);
  }
  std::sort(begins.begin(), begins.end());
  // No tenth of the spread holds more than a fifth of them.
  for (std::size_t i = 0; i + 200 < begins.size(); ++i)
    EXPECT_GE(begins[i + 200] - begins[i], kOptions.longest_start / 10) << "at " << i;
}

TEST(ReplayPace, ANarrowBudgetStillMovesABlockLargerThanItsBurst) {
  SeededRandom random(7);
  ReplayPace pace(random, {0}, kOptions);
  pace.set_budget(2'000, {0});
  pace.resume({0});
  MonotonicNanos now{0};
  int passed = 0;
  for (int wakes = 0; wakes < 1000 && passed < 3; ++wakes) {
    if (pace.take(100'000, now)) ++passed;
    const auto next = pace.next_at(100'000, now);
    ASSERT_TRUE(next);
    now = std::max(*next, MonotonicNanos{now.value + 1});
  }
  EXPECT_EQ(passed, 3);
  EXPECT_GE(now.value, 100 * kSecond);
}

}  // namespace
}  // namespace fluxrig::pressure
