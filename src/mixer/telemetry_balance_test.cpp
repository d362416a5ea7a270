#include "mixer/telemetry_balance.hpp"

#include <gtest/gtest.h>

namespace fluxrig::mixer {
namespace {

TelemetryAccount account(std::uint64_t produced, std::uint64_t stored, std::uint64_t evicted) {
  TelemetryAccount one;
  one.produced = produced;
  one.stored = stored;
  one.dropped[static_cast<std::size_t>(model::DropCause::kEvicted)] = evicted;
  one.closed = true;
  return one;
}

TEST(TelemetryBalance, IsExactWhenEverythingIsStoredOrDropped) {
  const auto result = balance(account(100, 90, 10), false);
  EXPECT_EQ(result.state, AccountState::kClosed);
  EXPECT_TRUE(result.exact());
  EXPECT_EQ(result.waiting, 0U);
}

TEST(TelemetryBalance, WhatIsMissingWaitsWhileItMayComeAndIsUnaccountedForAfterwards) {
  const auto waiting = balance(account(100, 80, 10), true);
  EXPECT_EQ(waiting.waiting, 10U);
  EXPECT_TRUE(waiting.exact());
  const auto gone = balance(account(100, 80, 10), false);
  EXPECT_EQ(gone.waiting, 0U);
  EXPECT_EQ(gone.unaccounted, 10);
}

TEST(TelemetryBalance, MoreThanTheRackProducedIsWrongOnceTheHourIsOver) {
  EXPECT_EQ(balance(account(100, 105, 0), true).unaccounted, -5);
  auto running = account(100, 105, 0);
  running.closed = false;
  const auto result = balance(running, true);
  EXPECT_EQ(result.state, AccountState::kRunning);
  EXPECT_TRUE(result.exact()) << "the statement is a minute old";
}

TEST(TelemetryBalance, ARunningHourThatLacksRecordsWhichCannotComeIsNotExact) {
  auto running = account(100, 95, 0);
  running.closed = false;
  EXPECT_EQ(balance(running, false).unaccounted, 5);
}

TEST(TelemetryBalance, OfAnEpochWithoutItsLastStatementNobodyKnows) {
  auto killed = account(100, 105, 0);
  killed.closed = false;
  killed.superseded = true;
  const auto result = balance(killed, false);
  EXPECT_EQ(result.state, AccountState::kUnfinished);
  EXPECT_FALSE(result.unaccounted);
  EXPECT_FALSE(result.exact());
}

TEST(TelemetryBalance, AnHourThatWasClosedBeforeTheRackDiedIsExact) {
  auto earlier = account(100, 100, 0);
  earlier.superseded = true;
  EXPECT_EQ(balance(earlier, false).state, AccountState::kClosed);
  EXPECT_TRUE(balance(earlier, false).exact());
}

TEST(TelemetryBalance, AnEpochThatEndedInGoodOrderIsFinal) {
  auto ended = account(100, 100, 0);
  ended.ended = ended.superseded = true;
  EXPECT_EQ(balance(ended, false).state, AccountState::kFinal);
}

TEST(TelemetryBalance, BeforeTheFirstStatementTheHourRuns) {
  TelemetryAccount fresh;
  fresh.stored = 7;
  EXPECT_EQ(balance(fresh, true).state, AccountState::kRunning);
  EXPECT_TRUE(balance(fresh, true).exact());
  fresh.superseded = true;
  EXPECT_EQ(balance(fresh, true).state, AccountState::kUnfinished);
}

TEST(TelemetryBalance, AStoreThatDidNotCountEverythingSaysSo) {
  auto half = account(100, 100, 0);
  half.counted = false;
  EXPECT_EQ(balance(half, false).state, AccountState::kUncounted);
  EXPECT_FALSE(balance(half, false).exact());
}

}  // namespace
}  // namespace fluxrig::mixer
