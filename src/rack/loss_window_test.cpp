#include "rack/loss_window.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.hpp"

namespace fluxrig::rack {
namespace {

constexpr std::int64_t kWindow = 5 * kNanosPerMilli;

bool admits(LossWindow& window, std::uint64_t record, std::uint64_t durable, std::int64_t nanos) {
  return window.admits(tap::RingPosition{record}, tap::RingPosition{durable}, MonotonicNanos{nanos});
}

TEST(LossWindow, RepliesLeaveAtOnceWhileTheDiskKeepsUp) {
  LossWindow window(kWindow);
  for (std::uint64_t i = 1; i <= 100; ++i)
    EXPECT_TRUE(admits(window, i, i - 1, static_cast<std::int64_t>(i) * kNanosPerSecond));
  EXPECT_EQ(window.at_risk(), 1U);
}

TEST(LossWindow, WhileTheDiskStandsStillRepliesWaitOnceTheWindowIsOver) {
  LossWindow window(kWindow);
  EXPECT_TRUE(admits(window, 1, 0, 0));
  EXPECT_TRUE(admits(window, 2, 0, kWindow - 1));
  EXPECT_FALSE(admits(window, 3, 0, kWindow));
  EXPECT_FALSE(admits(window, 4, 0, 1000 * kWindow));
  EXPECT_EQ(window.at_risk(), 2U);
  EXPECT_EQ(window.widest(), kWindow - 1);
}

TEST(LossWindow, ASyncOpensItAgain) {
  LossWindow window(kWindow);
  EXPECT_TRUE(admits(window, 1, 0, 0));
  EXPECT_FALSE(admits(window, 2, 0, 2 * kWindow));
  EXPECT_TRUE(admits(window, 3, 1, 2 * kWindow));
}

TEST(LossWindow, IsBoundInRecordsToo) {
  LossWindow window(kWindow);
  for (std::size_t i = 1; i <= LossWindow::kMaxAtRisk; ++i) ASSERT_TRUE(admits(window, i, 0, 0));
  EXPECT_FALSE(admits(window, LossWindow::kMaxAtRisk + 1, 0, 0));
}

// Any disk: syncs that come when they like and take as long as they like.
TEST(LossWindow, WhatACrashCanTakeWasAnsweredWithinOneInterval) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SeededRandom random(seed);
    LossWindow window(kWindow);
    std::int64_t now = 0;
    std::uint64_t durable = 0;
    std::vector<std::pair<std::uint64_t, std::int64_t>> answered;
    for (std::uint64_t record = 1; record <= 2000; ++record) {
      now += static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(kWindow) / 50));
      if (random.below(300) == 0) durable = record - 1 - random.below(std::min<std::uint64_t>(record, 20));
      if (admits(window, record, durable, now)) answered.emplace_back(record, now);
      // A crash now: everything answered and not durable is lost.
      const auto lost = std::find_if(answered.begin(), answered.end(),
                                     [&](const auto& answer) { return answer.first > durable; });
      if (lost != answered.end()) {
        ASSERT_LT(answered.back().second - lost->second, kWindow) << "seed " << seed << ", record " << record;
      }
    }
    EXPECT_GT(answered.size(), 100U);
    EXPECT_LT(window.widest(), kWindow);
  }
}

}  // namespace
}  // namespace fluxrig::rack
