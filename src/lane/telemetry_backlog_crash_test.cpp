// Kills, power losses and clean ends: what the next start finds.
#include <cerrno>

#include "lane/telemetry_backlog_fixture.hpp"
#include "wal/atomic_file.hpp"

namespace fluxrig::lane {
namespace {

TEST_F(TelemetryBacklogTest, AKillLosesNothingThatWasTaken) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  kill();
  EXPECT_EQ(backlog->blocks(), 5U);
  EXPECT_EQ(rest(), (Firsts{1, 11, 21, 31, 41}));
  EXPECT_TRUE(lost().empty());
}

TEST_F(TelemetryBacklogTest, APowerLossTakesOnlyWhatCameAfterTheLastSync) {
  SeededRandom random(20261128);
  for (int round = 0; round < 20; ++round) {
    const std::uint64_t begin = next_sequence;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(backlog->append(block(), Sent::kNever));
    clock.advance(TelemetryBacklog::kSyncEvery);
    (void)backlog->keep_house(TelemetryBacklog::Need::kNone);
    ASSERT_TRUE(backlog->append(block(), Sent::kNever));
    backlog.reset();
    disk.crash(random);
    open();
    Firsts found;
    while (const auto item = next()) {
      found.push_back(item->block.first.value);
      backlog->acknowledge(item->position);
    }
    ASSERT_GE(found.size(), 3U) << "round " << round;
    EXPECT_EQ(Firsts(found.begin(), found.begin() + 3), (Firsts{begin, begin + 10, begin + 20}));
    keep_house();
  }
}

TEST_F(TelemetryBacklogTest, WhatWasGivenOutMayHaveBeenSentAlsoAfterAKill) {
  ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  ASSERT_TRUE(next());
  kill();
  fill_until_evicted();
  EXPECT_EQ(lost().at(0).counts.total(), 10U);
}

// Otherwise, after a kill, a batch that was stored would be named with others in one lost range.
TEST_F(TelemetryBacklogTest, NothingIsGivenOutBeforeTheDiskHoldsThatItMayHaveBeenSent) {
  ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  disk.fail_next(wal::MemoryDisk::Operation::kRename, ENOSPC, 2);
  EXPECT_FALSE(backlog->next());
  EXPECT_FALSE(backlog->next());
  EXPECT_EQ(rest(), (Firsts{1, 11})) << "room again: from where it stopped";
  kill();
  fill_until_evicted();
  EXPECT_EQ(lost().at(0).counts.total(), 10U);
}

TEST_F(TelemetryBacklogTest, WithoutReadableMarksEverythingOfRunsBeforeMayHaveBeenSent) {
  ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  ASSERT_TRUE(next());
  const Bytes garbage{'g', 'a', 'r', 'b', 'a', 'g', 'e'};
  ASSERT_TRUE(wal::store_atomically(disk, "data/telemetry", "marks", garbage));
  kill();
  fill_until_evicted();
  EXPECT_EQ(lost().at(0).counts.total(), 10U);
}

TEST_F(TelemetryBacklogTest, LossesThatWereNotStatedBeforeAKillAreStatedByTheNextStart) {
  fill_until_evicted();
  const auto evicted = drops.count(DropCause::kEvicted);
  kill();
  std::uint64_t stated = 0;
  for (const auto& one : lost()) stated += one.counts.total();
  EXPECT_EQ(stated, evicted);
}

TEST_F(TelemetryBacklogTest, AfterACleanEndEverythingIsThereWithoutATornTail) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  ASSERT_TRUE(backlog->close());
  SeededRandom random(4);
  backlog.reset();
  disk.crash(random);
  open();
  EXPECT_EQ(rest(), (Firsts{1, 11, 21}));
}

// Killed at any operation, in any of its jobs: what was taken is given out, or acknowledged, or named as
// lost; never two of them, and never neither. What was acknowledged may come again, for the acknowledgement
// may not have been stored; the mixer knows it.
TEST_F(TelemetryBacklogTest, EveryBlockIsAccountedForWhereverAKillComes) {
  const std::uint64_t seed = 20261128;
  SeededRandom random(seed);
  std::map<std::uint64_t, bool> taken;  // by first sequence: acknowledged
  std::map<std::uint64_t, std::uint64_t> named;
  std::size_t unstated = 0;  // blocks since the ledger was stated, at most
  const auto collect = [&] {
    for (const auto& one : lost()) named[one.first.value] = one.last.value;
  };
  for (int round = 0; round < 60; ++round) {
    disk.stop_after(50 + random.below(1500));
    for (int i = 0; i < 1000 && !disk.stopped(); ++i) {
      const auto one = block();
      const bool kept = backlog->append(one, random.below(8) == 0 ? Sent::kMaybe : Sent::kNever);
      if (disk.stopped()) break;  // nobody was told
      ASSERT_TRUE(kept);
      taken[one.first.value] = false;
      if (random.below(4) == 0) {
        const auto item = backlog->next();
        if (item && *item && random.below(2) == 0) {
          backlog->acknowledge((*item)->position);
          taken[(*item)->block.first.value] = true;
        }
      }
      clock.advance(TelemetryBacklog::kStoreEvery / 8);
      (void)backlog->keep_house(TelemetryBacklog::Need::kNone);
      if (++unstated == TelemetryLedger::kManyLost && !disk.stopped()) {
        collect();
        unstated = 0;
      }
    }
    backlog.reset();
    disk.kill();
    ledger = std::make_unique<TelemetryLedger>();
    open();
    if (HasFatalFailure()) return;
  }
  collect();
  std::map<std::uint64_t, bool> out;
  while (const auto item = next()) out[item->block.first.value] = true;
  const auto is_named = [&](std::uint64_t first) {
    auto at = named.upper_bound(first);
    return at != named.begin() && std::prev(at)->second >= first;
  };
  std::uint64_t evicted = 0;
  for (const auto& [first, acknowledged] : taken) {
    evicted += is_named(first) ? 1 : 0;
    EXPECT_FALSE(out.contains(first) && is_named(first)) << first << ", seed " << seed;
    EXPECT_TRUE(out.contains(first) || is_named(first) || acknowledged) << first << ", seed " << seed;
  }
  EXPECT_GT(evicted, 1000U) << "the test must see evictions";
  EXPECT_GT(out.size(), 100U);
}

}  // namespace
}  // namespace fluxrig::lane
