#include "lane/spool.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cbor/decoder.hpp"
#include "cbor/encoder.hpp"
#include "wal/memory_disk.hpp"
#include "wal/segment_scan.hpp"

namespace fluxrig::lane {
namespace {

class SpoolTest : public testing::Test {
 protected:
  wal::MemoryDisk disk;
  ManualClock clock;
  std::unique_ptr<Spool> spool;
  std::uint64_t bytes = Spool::kMinBytes;

  void SetUp() override {
    ASSERT_TRUE(disk.make_directory("spool"));
    open();
  }
  void open() {
    spool.reset();
    MachineId machine;
    machine.bytes[0] = 7;
    auto opened = Spool::open({disk, clock, "spool/out", machine, "edge", "0.1", bytes});
    ASSERT_TRUE(opened) << opened.error().message;
    spool = *std::move(opened);
  }
  void kill() {
    spool.reset();
    disk.kill();
    open();
  }
  static Bytes record(std::uint64_t number, std::size_t filling = 0) {
    Bytes out;
    cbor::Encoder encoder(out);
    encoder.array(2);
    encoder.unsigned_integer(number);
    encoder.bytes(Bytes(filling, 0x55));
    return out;
  }
  void keep(std::uint64_t number) {
    ASSERT_TRUE(spool->append(record(number)));
    ASSERT_TRUE(spool->sync());
  }
  static std::uint64_t number_of(const Spool::Item& item) {
    cbor::Decoder decoder(item.record);
    EXPECT_TRUE(decoder.array());
    return decoder.unsigned_integer().value_or(0);
  }
  std::optional<Spool::Item> next() {
    auto item = spool->next();
    EXPECT_TRUE(item);
    return item ? *item : std::nullopt;
  }
  std::vector<std::uint64_t> rest() {
    std::vector<std::uint64_t> numbers;
    while (const auto item = next()) numbers.push_back(number_of(*item));
    return numbers;
  }
};
using Numbers = std::vector<std::uint64_t>;

TEST_F(SpoolTest, GivesMessagesOutInTheOrderInWhichTheyWereKept) {
  for (std::uint64_t i = 1; i <= 5; ++i) keep(i);
  EXPECT_EQ(spool->waiting(), 5U);
  EXPECT_EQ(rest(), (Numbers{1, 2, 3, 4, 5}));
  keep(6);
  EXPECT_EQ(rest(), Numbers{6});
}

TEST_F(SpoolTest, WhatIsNotSyncedIsNotGivenOut) {
  ASSERT_TRUE(spool->append(record(1)));
  EXPECT_FALSE(next());
  ASSERT_TRUE(spool->sync());
  EXPECT_EQ(rest(), Numbers{1});
}

TEST_F(SpoolTest, RewindBeginsWithTheOldestThatIsNotAcknowledged) {
  for (std::uint64_t i = 1; i <= 4; ++i) keep(i);
  std::vector<Spool::Item> items;
  while (auto item = next()) items.push_back(*std::move(item));
  spool->acknowledge(items[0].position);
  spool->acknowledge(items[2].position);
  spool->rewind();
  EXPECT_EQ(rest(), (Numbers{2, 4}));
}

TEST_F(SpoolTest, AfterAKillEverythingNotAcknowledgedIsThereInOrder) {
  for (std::uint64_t i = 1; i <= 4; ++i) keep(i);
  spool->acknowledge(next()->position);
  ASSERT_TRUE(spool->keep_house());
  kill();
  EXPECT_EQ(spool->found().messages, 3U);
  keep(5);
  EXPECT_EQ(rest(), (Numbers{2, 3, 4, 5}));
}

// The start that cut it may have died before it said so: nothing else tells of the cut.
TEST_F(SpoolTest, ACutIsToldUntilItsSegmentGoesWhichIsNotWhileTheSpoolIsOpened) {
  keep(1);
  keep(2);
  spool->acknowledge(next()->position);
  ASSERT_TRUE(spool->keep_house());
  spool.reset();
  const auto segment = wal::list_segments(disk, "spool/out")->back();
  auto& content = disk.content(wal::path_of("spool/out", segment));
  *std::find_if(content.rbegin(), content.rend(), [](std::uint8_t byte) { return byte != 0; }) ^= 1U;
  kill();
  const auto cut = spool->found().cut_bytes;
  EXPECT_GT(cut, 0U) << "the last block has rotted";
  kill();
  EXPECT_EQ(spool->found().cut_bytes, cut);
  EXPECT_TRUE(disk.exists(wal::path_of("spool/out", segment)));
  ASSERT_TRUE(spool->has_house_work());
  ASSERT_TRUE(spool->keep_house());
  EXPECT_FALSE(disk.exists(wal::path_of("spool/out", segment)));
  kill();
  EXPECT_EQ(spool->found().cut_bytes, 0U);
}

TEST_F(SpoolTest, APowerLossLosesNothingThatWasSynced) {
  SeededRandom random(20261122);
  std::uint64_t kept = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 5; ++i) keep(++kept);
    ASSERT_TRUE(spool->append(record(999'999)));
    spool.reset();
    disk.crash(random);
    open();
    const auto numbers = rest();
    std::uint64_t expected = 0;
    for (const auto number : numbers)
      if (number != 999'999) {
        EXPECT_EQ(number, ++expected) << "seed 20261122, round " << round;
      }
    EXPECT_EQ(expected, kept);
  }
}

TEST_F(SpoolTest, AnEmptiedSpoolGivesItsSpaceBack) {
  for (std::uint64_t i = 1; i <= 40; ++i) {
    ASSERT_TRUE(spool->append(record(i, 60'000)));
    ASSERT_TRUE(spool->sync());
  }
  const auto before = wal::list_segments(disk, "spool/out")->size();
  EXPECT_GT(before, 4U);
  while (const auto item = next()) spool->acknowledge(item->position);
  EXPECT_EQ(spool->waiting(), 0U);
  ASSERT_TRUE(spool->keep_house());
  EXPECT_EQ(wal::list_segments(disk, "spool/out")->size(), 1U);
  kill();
  EXPECT_EQ(spool->waiting(), 0U);
  EXPECT_FALSE(next());
}

TEST_F(SpoolTest, AFullSpoolRefusesAndTakesAgainOnceSomethingWasSent) {
  std::uint64_t kept = 0;
  Result<Spool::Position> last = Spool::Position{};
  while (last) {
    last = spool->append(record(++kept, 60'000));
    ASSERT_LT(kept, 1000U);
  }
  EXPECT_EQ(last.error().code, ErrorCode::kFull);
  EXPECT_EQ(spool->waiting(), kept - 1);
  ASSERT_TRUE(spool->sync());
  for (std::uint64_t i = 0; i < kept / 2; ++i) spool->acknowledge(next()->position);
  ASSERT_TRUE(spool->keep_house());
  EXPECT_TRUE(spool->append(record(kept, 60'000)));
}

TEST_F(SpoolTest, ADamagedPartIsPassedOverAndCounted) {
  for (std::uint64_t i = 1; i <= 3; ++i) {
    ASSERT_TRUE(spool->append(record(i, 300'000)));
    ASSERT_TRUE(spool->sync());
  }
  spool.reset();
  const auto segments = *wal::list_segments(disk, "spool/out");
  ASSERT_GE(segments.size(), 3U);
  disk.content(wal::path_of("spool/out", segments[1]))[1000] ^= 1U;
  disk.kill();
  open();
  EXPECT_GE(spool->found().damaged_places, 1U);
  EXPECT_EQ(rest(), (Numbers{1, 3}));
  EXPECT_GE(spool->damaged_places(), 1U);
}

}  // namespace
}  // namespace fluxrig::lane
