#include <cerrno>

#include "lane/telemetry_backlog_fixture.hpp"

namespace fluxrig::lane {
namespace {

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

TEST_F(TelemetryBacklogTest, AcknowledgedBlocksAreNotCountedWhenTheirSegmentGoes) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(backlog->append(block(), Sent::kNever));
  backlog->acknowledge(next()->position);
  backlog->acknowledge(next()->position);
  fill_until_evicted();
  EXPECT_EQ(lost().at(0).first, Sequence{21});
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
