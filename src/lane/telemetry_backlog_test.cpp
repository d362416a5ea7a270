#include "lane/telemetry_backlog.hpp"

#include <cerrno>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "model/block.hpp"
#include "wal/memory_disk.hpp"
#include "wal/segment_name.hpp"

namespace fluxrig::lane {
namespace {

using Firsts = std::vector<std::uint64_t>;

class TelemetryBacklogTest : public ::testing::Test {
 protected:
  wal::MemoryDisk disk;
  ManualClock clock;
  DropCounters drops;
  std::unique_ptr<TelemetryLedger> ledger = std::make_unique<TelemetryLedger>();
  std::unique_ptr<TelemetryBacklog> backlog;
  std::uint64_t next_sequence = 1;

  void SetUp() override {
    ASSERT_TRUE(disk.make_directory("data"));
    open();
  }
  static MachineId machine() {
    MachineId id;
    id.bytes[0] = 7;
    return id;
  }
  [[nodiscard]] Outcome<std::unique_ptr<TelemetryBacklog>> try_open() {
    return TelemetryBacklog::open({disk, clock, *ledger, drops, "data/telemetry", machine(), "edge", "0.1",
                                   TelemetryBacklog::kMinBytes, 0});
  }
  void open() {
    backlog.reset();
    auto opened = try_open();
    ASSERT_TRUE(opened) << opened.error().message;
    backlog = *std::move(opened);
  }
  void kill() {
    backlog.reset();
    disk.kill();
    // What it had not yet stated died with it.
    ledger = std::make_unique<TelemetryLedger>();
    open();
  }
  // A batch of ten records: eight spans, two metrics.
  TelemetryBlock block(std::size_t bytes = 4000) {
    TelemetryBatch batch;
    for (int i = 0; i < 9; ++i) batch.records.push_back(0x01);
    batch.records.push_back(0x59);  // a byte string with a length of two bytes
    batch.records.push_back(static_cast<std::uint8_t>(bytes >> 8U));
    batch.records.push_back(static_cast<std::uint8_t>(bytes));
    batch.records.resize(batch.records.size() + bytes, 0x55);
    batch.count = 10;
    batch.signals = {{8, 2, 0}};
    batch.time = clock.now();
    batch.epoch = {5};
    batch.first = {next_sequence};
    next_sequence += batch.count;
    return make_block(batch, machine());
  }
  std::optional<TelemetryBacklog::Item> next() {
    auto item = backlog->next();
    EXPECT_TRUE(item);
    return item ? *std::move(item) : std::nullopt;
  }
  Firsts rest() {
    Firsts out;
    while (const auto item = next()) out.push_back(item->block.first.value);
    return out;
  }
  // Everything lost that was not yet stated.
  std::vector<model::LostTelemetry> lost() {
    std::vector<model::LostTelemetry> out;
    clock.advance(TelemetryLedger::kStateEvery);
    ledger->state(clock, TelemetryLedger::Occasion::kRunning, [&](const model::Log& log) {
      if (const auto one = model::lost_telemetry(log)) out.push_back(*one);
      return true;
    });
    return out;
  }
  void fill_until_evicted() {
    for (int i = 0; drops.count(DropCause::kEvicted) == 0; ++i) {
      ASSERT_LT(i, 10'000);
      ASSERT_TRUE(backlog->append(block(), Sent::kNever));
    }
  }
  void keep_house() {
    clock.advance(TelemetryBacklog::kStoreEvery);
    for (int i = 0; backlog->keep_house(TelemetryBacklog::Need::kNone); ++i) ASSERT_LT(i, 10'000);
  }
};

TEST_F(TelemetryBacklogTest, GivesBlocksOutInOrderWithTheBytesThatTheyHad) {
  const auto first = block();
  const auto second = block();
  ASSERT_TRUE(backlog->append(first, Sent::kNever));
  ASSERT_TRUE(backlog->append(second, Sent::kMaybe));
  const auto item = next();
  ASSERT_TRUE(item);
  EXPECT_EQ(item->block.bytes, first.bytes);
  EXPECT_EQ(item->block.signals, first.signals);
  EXPECT_EQ(item->block.hour(), first.hour());
  EXPECT_EQ(item->block.last(), first.last());
  EXPECT_EQ(rest(), Firsts{11});
  EXPECT_FALSE(next());
  EXPECT_EQ(backlog->blocks(), 2U) << "until they are acknowledged";
}

TEST_F(TelemetryBacklogTest, RewindBeginsWithTheOldestThatIsNotAcknowledged) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  std::vector<TelemetryBacklog::Item> items;
  while (auto item = next()) items.push_back(*std::move(item));
  backlog->acknowledge(items[0].position);
  backlog->acknowledge(items[2].position);
  backlog->rewind();
  EXPECT_EQ(rest(), (Firsts{11, 31}));
}

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

TEST_F(TelemetryBacklogTest, WhatIsAcknowledgedGivesItsSpaceBackAndDoesNotComeAgain) {
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  const auto full = backlog->bytes();
  while (const auto item = next()) backlog->acknowledge(item->position);
  EXPECT_TRUE(backlog->empty());
  keep_house();
  EXPECT_LT(backlog->bytes(), full / 4);
  kill();
  EXPECT_TRUE(rest().empty());
  EXPECT_TRUE(backlog->empty());
}

// Promise 5 for what the disk cannot hold: kept + evicted = taken, by hour and signal, and named.
TEST_F(TelemetryBacklogTest, AtItsLimitTheOldestSegmentGoesAndIsCountedByHourAndSignal) {
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  clock.advance(model::Hour::kNanos);
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  EXPECT_LE(backlog->bytes(), TelemetryBacklog::kMinBytes);
  std::map<std::int64_t, std::uint64_t> evicted;
  std::uint64_t next_lost = 1;
  for (const auto& one : lost()) {
    EXPECT_EQ(one.first.value, next_lost) << "gapless, oldest first";
    next_lost = one.last.value + 1;
    EXPECT_EQ(one.counts[model::Signal::kSpans] * 2, one.counts[model::Signal::kMetrics] * 8);
    evicted[one.hour.value] += one.counts.total();
  }
  EXPECT_EQ(evicted.size(), 2U);
  EXPECT_EQ(evicted.begin()->second, 400U) << "all of the first hour, and nothing else";
  EXPECT_EQ(drops.count(DropCause::kEvicted), next_lost - 1);
  const auto left = rest();
  ASSERT_FALSE(left.empty());
  EXPECT_EQ(left.front(), next_lost);
  EXPECT_EQ(left.size() * 10 + drops.count(DropCause::kEvicted), next_sequence - 1);
  EXPECT_EQ(backlog->blocks(), left.size());
}

TEST_F(TelemetryBacklogTest, WhatWasNeverSentIsNamedAsOneRangeAndWhatMayHaveBeenEachForItself) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(backlog->append(block(), Sent::kMaybe));
  fill_until_evicted();
  const auto ranges = lost();
  ASSERT_EQ(ranges.size(), 4U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(ranges[i].counts.total(), 10U);
  EXPECT_EQ(ranges[3].first, Sequence{31});
  EXPECT_GT(ranges[3].counts.total(), 10U);
}

TEST_F(TelemetryBacklogTest, WhatWasGivenOutMayHaveBeenSentAlsoAfterAKill) {
  ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  ASSERT_TRUE(next());
  kill();
  fill_until_evicted();
  EXPECT_EQ(lost().at(0).counts.total(), 10U);
}

TEST_F(TelemetryBacklogTest, AcknowledgedBlocksAreNotCountedWhenTheirSegmentGoes) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  backlog->acknowledge(next()->position);
  backlog->acknowledge(next()->position);
  fill_until_evicted();
  EXPECT_EQ(lost().at(0).first, Sequence{21});
}

TEST_F(TelemetryBacklogTest, LossesThatWereNotStatedBeforeAKillAreStatedByTheNextStart) {
  fill_until_evicted();
  const auto evicted = drops.count(DropCause::kEvicted);
  kill();
  std::uint64_t stated = 0;
  for (const auto& one : lost()) stated += one.counts.total();
  EXPECT_EQ(stated, evicted);
}

TEST_F(TelemetryBacklogTest, ADiskThatRefusesDropsTheBatchAndCountsIt) {
  disk.fail_next(wal::MemoryDisk::Operation::kWrite, EIO, 1);
  EXPECT_FALSE(backlog->append(block(), Sent::kNever));
  EXPECT_EQ(drops.count(DropCause::kEvicted), 10U);
  EXPECT_TRUE(backlog->append(block(), Sent::kNever)) << "once it takes writes again";
  EXPECT_EQ(rest(), Firsts{11});
  EXPECT_EQ(lost().at(0).first, Sequence{1});
}

TEST_F(TelemetryBacklogTest, AFailedSyncLosesNothing) {
  ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  disk.fail_next(wal::MemoryDisk::Operation::kSync, EIO, 1);
  EXPECT_FALSE(backlog->next());
  EXPECT_EQ(rest(), Firsts{1});
}

TEST_F(TelemetryBacklogTest, AFullDiskMakesRoomByTheOldest) {
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  disk.set_capacity(backlog->bytes() + (64U << 10));
  for (int i = 0; i < 400; ++i) (void)backlog->append(block(), Sent::kNever);
  const auto left = rest();
  EXPECT_GT(left.size(), 10U);
  EXPECT_GT(drops.count(DropCause::kEvicted), 0U);
  EXPECT_EQ(left.size() * 10 + drops.count(DropCause::kEvicted), next_sequence - 1);
}

TEST_F(TelemetryBacklogTest, WhenTheAuditLaneNeedsSpaceEverythingThatIsClosedGoes) {
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  const auto before = backlog->bytes();
  while (backlog->keep_house(TelemetryBacklog::Need::kSpace)) {
  }
  EXPECT_LT(backlog->bytes(), before / 2);
  EXPECT_EQ(wal::list_segments(disk, "data/telemetry")->size(), 1U);
  EXPECT_EQ(rest().size() * 10 + drops.count(DropCause::kEvicted), next_sequence - 1);
}

TEST_F(TelemetryBacklogTest, TellsHowMuchWaitsAndSinceWhen) {
  EXPECT_FALSE(backlog->stats().oldest);
  const auto first = block();
  ASSERT_TRUE(backlog->append(first, Sent::kNever));
  clock.advance(TelemetryBacklog::kSyncEvery);
  ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  keep_house();
  const auto stats = backlog->stats();
  EXPECT_EQ(stats.blocks, 2U);
  EXPECT_EQ(stats.oldest, first.time);
  EXPECT_GT(stats.bytes, 8000U);
  backlog->acknowledge(next()->position);
  EXPECT_GT(*backlog->stats().oldest, first.time);
}

TEST_F(TelemetryBacklogTest, DamageIsPassedOverAndTheRestIsGivenOut) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  ASSERT_TRUE(backlog->close());
  const auto name = wal::list_segments(disk, "data/telemetry")->front();
  disk.content(wal::path_of("data/telemetry", name))[6000] ^= 1U;
  kill();
  EXPECT_EQ(rest().size(), 2U);
  EXPECT_EQ(backlog->stats().damaged_places, 1U);
}

// A hole, as a power loss makes between batches that were not synced: it must not keep the rack in REPLAY.
TEST_F(TelemetryBacklogTest, WhatCannotBeReadIsNotWaitedForOnceTheRestIsAcknowledged) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  ASSERT_TRUE(backlog->close());
  const auto name = wal::list_segments(disk, "data/telemetry")->front();
  disk.content(wal::path_of("data/telemetry", name))[6000] ^= 1U;
  kill();
  ASSERT_EQ(backlog->blocks(), 3U) << "as its sequences say";
  std::vector<TelemetryBacklog::Position> given;
  while (const auto item = next()) given.push_back(item->position);
  EXPECT_FALSE(backlog->empty()) << "two are on their way";
  for (const auto position : given) backlog->acknowledge(position);
  EXPECT_FALSE(next());
  EXPECT_TRUE(backlog->empty());
  keep_house();
  EXPECT_FALSE(disk.exists(wal::path_of("data/telemetry", name))) << "nor its segment on the disk";
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

TEST(BacklogMarks, AreReadAsTheyWereWritten) {
  BacklogMarks marks;
  marks.dropped_to = {{3}, {17}};
  marks.sent_to = {{4}, {99}};
  (void)marks.add({{{5}, {1}, {10}, {400'000}, DropCause::kEvicted, {{8, 1, 1}}}, Sent::kNever});
  (void)marks.add({{{5}, {11}, {12}, {400'000}, DropCause::kShutdown, {{2, 0, 0}}}, Sent::kMaybe});
  Bytes bytes;
  marks.encode(bytes);
  const auto read = BacklogMarks::decode(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, marks);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    EXPECT_FALSE(BacklogMarks::decode(ByteView(bytes).first(i))) << i;
}

TEST(BacklogMarks, JoinOnlyWhatFollowsAndWasNeverSent) {
  BacklogMarks marks;
  const auto lost = [](std::uint64_t first, std::int64_t hour, Sent sent) {
    return BacklogMarks::Lost{{{5}, {first}, {first + 9}, {hour}, DropCause::kEvicted, {{10, 0, 0}}}, sent};
  };
  (void)marks.add(lost(1, 7, Sent::kNever));
  EXPECT_EQ(marks.add(lost(11, 7, Sent::kNever)).first, Sequence{1});
  EXPECT_EQ(marks.add(lost(31, 7, Sent::kNever)).first, Sequence{31}) << "a gap";
  EXPECT_EQ(marks.add(lost(41, 8, Sent::kNever)).first, Sequence{41}) << "another hour";
  EXPECT_EQ(marks.add(lost(51, 8, Sent::kMaybe)).first, Sequence{51});
  EXPECT_EQ(marks.add(lost(61, 8, Sent::kNever)).first, Sequence{61}) << "the one before may be stored";
  EXPECT_EQ(marks.lost().size(), 5U);
}

TEST(BacklogMarks, KeepTheLatestOfManyLosses) {
  BacklogMarks marks;
  for (std::uint64_t i = 1; i <= BacklogMarks::kMaxLost + 5; ++i)
    (void)marks.add({{{5}, {2 * i}, {2 * i}, {7}, DropCause::kEvicted, {{1, 0, 0}}}, Sent::kNever});
  ASSERT_EQ(marks.lost().size(), BacklogMarks::kMaxLost);
  EXPECT_EQ(marks.lost().front().range.first, Sequence{12});
}

}  // namespace
}  // namespace fluxrig::lane
