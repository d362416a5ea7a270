// Disks that say no: full, broken, forgetful.
#include <cerrno>

#include "wal/chain_walk.hpp"
#include "wal/test_lane.hpp"

namespace fluxrig::wal {
namespace {

using Operation = MemoryDisk::Operation;

TEST(WalFault, AppendsGoOnWithoutGapOnceAFullDiskHasSpace) {
  TestLane lane;
  lane.open();
  lane.disk.set_capacity(40'000);
  std::uint64_t accepted = 0;
  Error last;
  for (int i = 0; i < 200; ++i) {
    const auto range = lane.append(1, 500);
    if (range)
      ++accepted;
    else
      last = range.error();
  }
  EXPECT_EQ(last.code, ErrorCode::kFull);
  EXPECT_GT(accepted, 20U);
  EXPECT_LT(accepted, 100U);
  lane.disk.set_capacity(1'000'000);
  ASSERT_TRUE(lane.append(1, 500));
  ASSERT_TRUE(lane.writer->sync());
  expect_gapless(read_all(lane.disk, lane.directory), Epoch{1}, accepted + 1);
}

TEST(WalFault, AFailedAppendUsesNoSequenceAndIsOverwritten) {
  TestLane lane;
  lane.open();
  ASSERT_TRUE(lane.append());
  lane.disk.fail_next(Operation::kWrite, EIO);
  EXPECT_EQ(lane.append(1, 3000).error().os_error, EIO);
  ASSERT_TRUE(lane.append(1, 10));  // shorter than what the failed one left
  ASSERT_TRUE(lane.writer->sync());
  const auto scan = scan_segment(lane.disk, lane.directory, list_segments(lane.disk, lane.directory)->back());
  EXPECT_EQ(scan->torn_bytes, 0U);
  EXPECT_EQ(scan->damage_count, 0U);
  expect_gapless(read_all(lane.disk, lane.directory), Epoch{1}, 2);
}

TEST(WalFault, AFailedSyncIsRepairedByTheNextAlthoughTheKernelForgotThePages) {
  TestLane lane;
  lane.open();
  ASSERT_TRUE(lane.append(3));
  lane.disk.fail_next(Operation::kSync, EIO);
  EXPECT_FALSE(lane.writer->sync());
  Cursor cursor(lane.disk, lane.directory, {}, &lane.writer->durable());
  EXPECT_TRUE(read_records(cursor).empty());
  ASSERT_TRUE(lane.append(1));
  ASSERT_TRUE(lane.writer->sync());
  SeededRandom random(1);
  lane.writer.reset();
  lane.disk.crash(random);
  lane.open();
  expect_gapless(read_all(lane.disk, lane.directory), Epoch{1}, 4);
}

TEST(WalFault, EveryStepOfARotationMayFailAndBeTriedAgain) {
  for (const auto operation :
       {Operation::kOpen, Operation::kWrite, Operation::kSync, Operation::kSyncDirectory}) {
    for (int times = 1; times <= 4; ++times) {
      TestLane lane;
      lane.open();
      ASSERT_TRUE(lane.append(2));
      lane.disk.fail_next(operation, EIO, times);
      EXPECT_FALSE(lane.writer->rotate());
      std::uint64_t failures = 1;
      auto range = lane.append();
      for (; !range && failures < 10; ++failures) range = lane.append();
      ASSERT_TRUE(range);
      EXPECT_EQ(range->first.value, 3U);
      ASSERT_TRUE(lane.writer->sync());
      lane.writer.reset();
      SeededRandom random(7);
      lane.disk.crash(random);
      const auto records = read_all(lane.disk, lane.directory);
      expect_gapless(records, Epoch{1}, 3);
    }
  }
}

TEST(WalFault, TheDirectoryLimitIsKeptAndSaysSo) {
  TestLane lane;
  lane.options.directory_bytes = 70'000;
  lane.open();
  Result<SequenceRange> range = lane.append(1, 500);
  for (int i = 0; i < 500 && range; ++i) range = lane.append(1, 500);
  EXPECT_EQ(range.error().code, ErrorCode::kFull);
  EXPECT_LE(lane.writer->used_bytes(), 70'000U);
  Receipts receipts;
  ASSERT_TRUE(receipts.add(Epoch{1}, {Sequence{1}, Sequence{lane.writer->next_sequence().value - 1}}));
  ASSERT_TRUE(lane.writer->release(receipts));
  EXPECT_TRUE(lane.append(1, 500));
}

TEST(WalFault, TheDisksFreeReserveIsKept) {
  TestLane lane;
  lane.options.free_reserve_bytes = 50'000;
  lane.disk.set_capacity(100'000);
  lane.open();
  Result<SequenceRange> range = lane.append(1, 500);
  for (int i = 0; i < 500 && range; ++i) range = lane.append(1, 500);
  EXPECT_EQ(range.error().code, ErrorCode::kFull);
  EXPECT_GE(*lane.disk.free_bytes(lane.directory), 50'000U);
}

TEST(WalFault, AFullDiskAtTheStartStillLetsTheBacklogBeReadAndReleased) {
  TestLane lane;
  lane.open();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(lane.append(1, 500));
  ASSERT_TRUE(lane.writer->sync());
  lane.options.free_reserve_bytes = 1'000'000;
  lane.disk.set_capacity(1'000'000);
  lane.restart();
  ASSERT_TRUE(lane.writer->recovered().segment_error);
  EXPECT_EQ(lane.append().error().code, ErrorCode::kFull);
  Cursor cursor(lane.disk, lane.directory, {}, &lane.writer->durable());
  expect_gapless(read_records(cursor), Epoch{1}, 100);
  lane.disk.set_capacity(10'000'000);
  ASSERT_TRUE(lane.append());
  ASSERT_TRUE(lane.writer->sync());
  EXPECT_EQ(read_records(cursor).size(), 1U);
}

// What is damaged goes only once it is declared: a lane at its limit that could not say so would stay full.
TEST(WalFault, ALaneAtItsLimitTakesALossAlsoAfterManyStartsThatDidNotLive) {
  constexpr std::uint64_t kBeyondLimit = 64U << 10;
  TestLane lane;
  lane.options.directory_bytes = 70'000;
  lane.open();
  while (lane.append(1, 500)) ASSERT_TRUE(lane.writer->sync());
  lane.options.directory_bytes = lane.writer->used_bytes();
  Bytes body;
  encode_loss_body({"disk_full", std::nullopt, {1}, std::nullopt, std::nullopt}, body);
  for (int start = 0; start < 12; ++start) {
    lane.restart();
    ASSERT_TRUE(lane.writer->recovered().segment_error) << start;
    ASSERT_TRUE(lane.writer->append_control(model::BlockKind::kLoss, body)) << start;
    ASSERT_TRUE(lane.writer->sync());
    EXPECT_LE(lane.writer->used_bytes(), lane.options.directory_bytes + kBeyondLimit);
  }
  const auto verified = verify_chain(lane.disk, lane.directory, {});
  ASSERT_TRUE(verified);
  EXPECT_TRUE(verified->report.good()) << verified->report.faults.at(0).what;
  EXPECT_EQ(verified->report.losses.size(), 12U);
}

// The next epoch's header names the end of this one: it must not be written while a power loss can still take
// that end away.
TEST(WalFault, AStartThatCannotSealTheLastSegmentFailsAndTheNextOneIsWhole) {
  for (const auto operation : {Operation::kWrite, Operation::kSync}) {
    TestLane lane;
    lane.open();
    ASSERT_TRUE(lane.append(2));
    ASSERT_TRUE(lane.writer->sync());
    lane.writer.reset();
    lane.disk.kill();
    lane.disk.fail_next(operation, EIO);
    EXPECT_FALSE(Writer::open(
        {lane.disk, lane.clock, lane.directory, test_machine(), model::Lane::kAudit, lane.options}));
    SeededRandom random(3);
    lane.disk.crash(random);
    lane.open();
    const auto verified = verify_chain(lane.disk, lane.directory, {});
    ASSERT_TRUE(verified);
    EXPECT_TRUE(verified->report.good()) << verified->report.faults.at(0).what;
    EXPECT_EQ(verified->report.records, 2U);
  }
}

// kill -9 between the seal and its sync: the seal is read, and still only in memory.
TEST(WalFault, AStartSyncsASealThatItFinds) {
  TestLane lane;
  lane.open();
  ASSERT_TRUE(lane.append(2));
  ASSERT_TRUE(lane.writer->sync());
  lane.disk.stop_after(1);
  EXPECT_FALSE(lane.writer->close());
  lane.restart();
  lane.writer.reset();
  SeededRandom random(3);
  lane.disk.crash(random);
  lane.open();
  const auto verified = verify_chain(lane.disk, lane.directory, {});
  ASSERT_TRUE(verified);
  EXPECT_TRUE(verified->report.good()) << verified->report.faults.at(0).what;
}

// What no start can know, as docs/simulator.md says: a sync was refused to the seal, and the process died
// before it had written it again. What was synced before stays.
TEST(WalFault, AStartReadsASealThatTheKernelForgotAndOnlyWhatWasNeverSyncedIsLost) {
  TestLane lane;
  lane.open();
  ASSERT_TRUE(lane.append(2));
  ASSERT_TRUE(lane.writer->sync());
  ASSERT_TRUE(lane.append(1));
  const std::string segment = lane.newest();
  EXPECT_FALSE(lane.disk.forgot(segment)) << "written, and its sync is still to come";
  lane.disk.fail_next(Operation::kSync, EIO);
  EXPECT_FALSE(lane.writer->rotate());
  EXPECT_TRUE(lane.disk.forgot(segment));
  lane.restart();
  EXPECT_TRUE(lane.disk.forgot(segment)) << "the start's sync has nothing to write";
  ASSERT_TRUE(lane.writer->recovered().link);
  EXPECT_EQ(lane.writer->recovered().link->end, Sequence{4});
  lane.writer.reset();
  SeededRandom random(3);
  lane.disk.crash(random);
  EXPECT_FALSE(lane.disk.forgot(segment));
  lane.open();
  const auto verified = verify_chain(lane.disk, lane.directory, {});
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->report.records, 2U);
  ASSERT_EQ(verified->report.faults.size(), 1U);
  EXPECT_EQ(verified->report.faults[0].epoch, Epoch{1});
  EXPECT_EQ(verified->report.faults[0].sequence, Sequence{3});
}

// The process that lives on writes it again.
TEST(WalFault, ARotationThatIsTriedAgainLeavesNothingForgotten) {
  TestLane lane;
  lane.open();
  ASSERT_TRUE(lane.append(2));
  const std::string segment = lane.newest();
  lane.disk.fail_next(Operation::kSync, EIO);
  EXPECT_FALSE(lane.writer->rotate());
  EXPECT_TRUE(lane.disk.forgot(segment));
  ASSERT_TRUE(lane.writer->rotate());
  EXPECT_FALSE(lane.disk.forgot(segment));
}

}  // namespace
}  // namespace fluxrig::wal
