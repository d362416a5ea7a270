#include "mixer/sink_watch.hpp"

#include <gtest/gtest.h>

namespace fluxrig::mixer {
namespace {

constexpr std::int64_t kMilli = kNanosPerMilli;

class SinkWatchTest : public testing::Test {
 protected:
  void commit(std::int64_t nanos, const SinkWatch::Batch& batch = {true, 1000, 1, 0}) {
    watch_.began(now_);
    now_.value += nanos;
    watch_.ended(now_, batch);
  }
  MonotonicNanos now_;
  SinkWatch watch_;
};

TEST_F(SinkWatchTest, KnowsNothingAtFirst) {
  const auto figures = watch_.figures(now_);
  EXPECT_EQ(figures.failing_seconds, 0);
  EXPECT_EQ(figures.commit_nanos, 0);
  EXPECT_EQ(figures.bytes_per_s, 0);
}

TEST_F(SinkWatchTest, OneSlowCommitOfTenOrMoreIsNoLatency) {
  commit(2'000 * kMilli);
  for (int i = 0; i < 8; ++i) commit(10 * kMilli);
  EXPECT_EQ(watch_.figures(now_).commit_nanos, 2'000 * kMilli);  // of nine the slowest counts
  commit(10 * kMilli);
  EXPECT_EQ(watch_.figures(now_).commit_nanos, 10 * kMilli);
  commit(1'500 * kMilli);
  EXPECT_EQ(watch_.figures(now_).commit_nanos, 1'500 * kMilli);  // two
  for (int i = 0; i < 89; ++i) commit(10 * kMilli);
  EXPECT_EQ(watch_.figures(now_).commit_nanos, 1'500 * kMilli);  // two in a hundred
  commit(10 * kMilli);
  EXPECT_EQ(watch_.figures(now_).commit_nanos, 10 * kMilli);  // the first is not among the last hundred
}

TEST_F(SinkWatchTest, WhatWasSlowLongAgoDoesNotCount) {
  commit(2'000 * kMilli);
  now_.value += SinkWatch::kCommitAge + 1;
  EXPECT_EQ(watch_.figures(now_).commit_nanos, 0);
}

TEST_F(SinkWatchTest, ACommitThatHangsIsSeenBeforeItEnds) {
  commit(10 * kMilli);
  watch_.began(now_);
  now_.value += 9'000 * kMilli;
  EXPECT_EQ(watch_.figures(now_).commit_nanos, 9'000 * kMilli);
}

TEST_F(SinkWatchTest, FailsFromTheFirstFailureToTheNextSuccess) {
  commit(kMilli, {});
  EXPECT_GT(watch_.figures(now_).failing_seconds, 0);
  now_.value += 3'000 * kMilli;
  commit(kMilli, {});
  EXPECT_NEAR(watch_.figures(now_).failing_seconds, 3.001, 1e-6);
  commit(kMilli);
  EXPECT_EQ(watch_.figures(now_).failing_seconds, 0);
}

TEST_F(SinkWatchTest, ARoundIsWhatWasDoneSinceTheLastOne) {
  commit(10 * kMilli, {true, 5'000, 1, 2 * kMilli});
  commit(10 * kMilli, {false, 7'000, 0.5, kMilli});
  auto round = watch_.take_round(now_);
  EXPECT_EQ(round.taken_bytes, 5'000U);
  EXPECT_EQ(round.busy_nanos, 23 * kMilli);  // a commit that fails takes its time as well
  EXPECT_EQ(round.batch_fill, 0.75);
  EXPECT_EQ(round.now, now_);
  round = watch_.take_round(now_);
  EXPECT_EQ(round.taken_bytes, 0U);
  EXPECT_EQ(round.busy_nanos, 0);
  EXPECT_EQ(round.batch_fill, 0);
}

TEST_F(SinkWatchTest, TheSpeedIsThatOfTheTimeItWasBusy) {
  commit(10 * kMilli, {true, 20'000, 1, 10 * kMilli});
  now_.value += 60'000 * kMilli;
  EXPECT_EQ(watch_.figures(now_).bytes_per_s, 1e6);
}

}  // namespace
}  // namespace fluxrig::mixer
