#include "lane/spool_drain.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "cbor/encoder.hpp"
#include "wal/memory_disk.hpp"

namespace fluxrig::lane {
namespace {

class SpoolDrainTest : public testing::Test {
 protected:
  wal::MemoryDisk disk;
  ManualClock clock;
  SeededRandom random{1};
  std::unique_ptr<Spool> spool;
  std::unique_ptr<SpoolDrain> drain;

  void SetUp() override {
    ASSERT_TRUE(disk.make_directory("spool"));
    auto opened = Spool::open({disk, clock, "spool/out", MachineId{}, "edge", "0.1", Spool::kMinBytes});
    ASSERT_TRUE(opened) << opened.error().message;
    spool = *std::move(opened);
    drain = std::make_unique<SpoolDrain>(*spool, random, SpoolDrain::Options{.window = 8});
  }
  void keep(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      Bytes record;
      cbor::Encoder(record).unsigned_integer(i);
      ASSERT_TRUE(spool->append(record));
    }
    ASSERT_TRUE(spool->sync());
  }
  std::vector<Spool::Position> take() {
    std::vector<Spool::Position> taken;
    for (;;) {
      const auto item = drain->next(clock.monotonic());
      EXPECT_TRUE(item);
      if (!item || !*item) return taken;
      taken.push_back((*item)->position);
    }
  }
  void fail(ErrorCode code) { drain->failed({code, 0, "by the test"}, clock.monotonic()); }
  void pass() { clock.advance(60 * kNanosPerSecond); }
};

TEST_F(SpoolDrainTest, TheWindowOpensWhileTheStreamAcknowledges) {
  keep(100);
  std::vector<std::size_t> sizes;
  for (int round = 0; round < 5; ++round) {
    const auto taken = take();
    sizes.push_back(taken.size());
    for (const auto position : taken) drain->stored(position);
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 2, 8, 8, 8}));
}

TEST_F(SpoolDrainTest, AFailureEndsTheRoundAndTheOldestGoesFirstAlone) {
  keep(100);
  for (int round = 0; round < 3; ++round)
    for (const auto position : take()) drain->stored(position);
  const auto taken = take();
  ASSERT_EQ(taken.size(), 8U);
  drain->stored(taken[0]);
  fail(ErrorCode::kTimeout);
  EXPECT_TRUE(take().empty()) << "the rest of the round is in flight";
  for (std::size_t i = 2; i < taken.size(); ++i) drain->stored(taken[i]);
  EXPECT_TRUE(take().empty()) << "the pause";
  EXPECT_TRUE(drain->trouble());
  pass();
  EXPECT_EQ(take(), std::vector<Spool::Position>{taken[1]});
  drain->stored(taken[1]);
  EXPECT_FALSE(drain->trouble());
  EXPECT_EQ(take().size(), 2U);
}

TEST_F(SpoolDrainTest, AfterAFullStreamOneGoesAtATimeUntilTheSpoolIsEmpty) {
  keep(6);
  const auto first = take();
  fail(ErrorCode::kFull);
  pass();
  for (int i = 0; i < 6; ++i) {
    const auto taken = take();
    ASSERT_EQ(taken.size(), 1U);
    drain->stored(taken[0]);
  }
  keep(6);
  EXPECT_EQ(take().size(), 2U) << "it opens again";
}

TEST_F(SpoolDrainTest, PausesGrowToTheirLimit) {
  keep(1);
  std::int64_t last = 0;
  for (int i = 0; i < 12; ++i) {
    ASSERT_EQ(take().size(), 1U);
    fail(ErrorCode::kUnavailable);
    const auto pause = drain->resume_at().value - clock.monotonic().value;
    EXPECT_LE(pause, 15 * kNanosPerSecond);
    EXPECT_GE(2 * pause, last) << "jitter adds at most a half";
    last = pause;
    clock.advance(pause);
  }
  EXPECT_GE(last, 10 * kNanosPerSecond);
}

// The stream as a server on one connection: takes a first part of each round, whatever is then said about it.
TEST_F(SpoolDrainTest, WhateverPartOfARoundArrivesFirstAppearancesKeepTheirOrder) {
  keep(300);
  SeededRandom chance(20261122);
  std::vector<Spool::Position> stream;
  std::set<Spool::Position> seen;
  for (int round = 0; spool->waiting() != 0; ++round) {
    ASSERT_LT(round, 5000);
    const auto taken = take();
    const auto arrived = chance.below(taken.size() + 1);
    for (std::size_t i = 0; i < taken.size(); ++i) {
      if (i < arrived && seen.insert(taken[i]).second) stream.push_back(taken[i]);
      // An acknowledgement may be lost although the message arrived.
      if (i < arrived && chance.below(4) != 0)
        drain->stored(taken[i]);
      else
        fail(ErrorCode::kTimeout);
    }
    pass();
  }
  EXPECT_EQ(stream.size(), 300U);
  EXPECT_TRUE(std::is_sorted(stream.begin(), stream.end())) << "seed 20261122";
}

}  // namespace
}  // namespace fluxrig::lane
