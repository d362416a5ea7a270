#include "wal/epoch_choice.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "wal/epoch_file.hpp"
#include "wal/test_chain.hpp"

namespace fluxrig::wal {
namespace {

constexpr std::uint32_t kNow = 1'800'000'000;

TEST(EpochChoice, TakesTheTimeWhenAllKnownEpochsAreOlder) {
  EXPECT_EQ(next_epoch({kNow - 1, false, kNow, 77}).value, kNow);
  EXPECT_EQ(next_epoch({0, false, kNow, 77}).value, kNow);
}

// Starts within a second that left nothing but their epoch file: a full disk took no segment of theirs.
TEST(EpochChoice, ForADamagedFileIsOverAllThatStartsNearTheClockCanHaveUsed) {
  std::uint32_t highest = kNow - 100;
  const std::uint32_t traced = highest;
  for (int start = 0; start < 6; ++start) highest = next_epoch({highest, false, kNow, 77}).value;
  EXPECT_EQ(highest, kNow + kEpochsNearClock);
  EXPECT_EQ(next_epoch({traced, true, kNow, 77}).value, highest + 1);
  EXPECT_EQ(next_epoch({kNow + 4, true, kNow, 77}).value, highest + 1);
}

TEST(EpochChoice, SkipsForADamagedFileWhereTheClockSaysNothing) {
  EXPECT_EQ(next_epoch({4, true, 0, 77}).value, 5 + kEpochSkip);
  EXPECT_EQ(next_epoch({kNow + 9, true, kNow, 77}).value, kNow + 10 + kEpochSkip + 77);
}

TEST(EpochChoice, CountsStartsThatFollowEachOtherWithinASecond) {
  EXPECT_EQ(next_epoch({kNow, false, kNow, 77}).value, kNow + 1);
  EXPECT_EQ(next_epoch({kNow + 4, false, kNow, 77}).value, kNow + 5);
}

TEST(EpochChoice, CopiesOfADirectoryAheadOfTheClockTakeDifferentEpochs) {
  std::set<std::uint32_t> taken;
  for (std::uint32_t random = 0; random < kEpochStep; random += 97) {
    const auto epoch = next_epoch({kNow + 1000, false, kNow, random}).value;
    EXPECT_GT(epoch, kNow + 1000);
    EXPECT_TRUE(taken.insert(epoch).second);
  }
  EXPECT_NE(next_epoch({kNow + 500'000'000, false, kNow, 3}),
            next_epoch({kNow + 500'000'000, false, kNow, 4}));
}

TEST(EpochChoice, NeverPassesTheLastEpochThatTheFileTakes) {
  const auto most = std::numeric_limits<std::uint32_t>::max();
  EXPECT_EQ(next_epoch({most - 3, true, kNow, 255}).value, most - 1);
  EXPECT_EQ(next_epoch({most, true, most, most}).value, most - 1);
}

// The clock was a day ahead once; a backup of that time is put back after another start has used epochs.
TEST(Epoch, OfARestoredDirectoryIsNotOneThatTheMixerHasAlthoughTheClockWasAhead) {
  SignedLane lane;
  lane.options.epoch_floor = kNow + 86'400;
  lane.start();
  lane.records(2);
  lane.end();
  lane.writer.reset();
  const Bytes backup = lane.disk.content("audit/epoch");
  lane.options.epoch_floor = kNow;
  lane.options.epoch_random = 11'111;
  lane.start();
  const Epoch used = lane.writer->epoch();
  lane.writer.reset();
  ASSERT_TRUE(lane.disk.unlink(lane.newest()));
  lane.disk.content("audit/epoch") = backup;
  lane.options.epoch_floor = kNow + 60;
  lane.options.epoch_random = 44'444;
  lane.start();
  EXPECT_NE(lane.writer->epoch(), used);
  EXPECT_GT(lane.writer->epoch(), Epoch{kNow + 86'400});
}

TEST(Epoch, IsTheTimeAgainSoonAfterADamagedEpochFile) {
  SignedLane lane;
  lane.options.epoch_floor = kNow;
  lane.start();
  lane.records(1);
  lane.end();
  lane.writer.reset();
  lane.disk.content("audit/epoch")[3] ^= 0xff;
  lane.options.epoch_floor = kNow + 2;
  lane.start();
  EXPECT_TRUE(lane.writer->recovered().epoch_file_damaged);
  EXPECT_EQ(lane.writer->epoch(), Epoch{kNow + 8});
  lane.options.epoch_floor = kNow + 4;
  lane.start_again();
  EXPECT_EQ(lane.writer->epoch(), Epoch{kNow + 9});
  lane.options.epoch_floor = kNow + 10;
  lane.start_again();
  EXPECT_EQ(lane.writer->epoch(), Epoch{kNow + 10});
}

}  // namespace
}  // namespace fluxrig::wal
