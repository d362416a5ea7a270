// Epochs that are tied to each other, whatever happened to the segments between.
#include <cerrno>

#include "wal/epoch_file.hpp"
#include "wal/test_chain.hpp"

namespace fluxrig::wal {
namespace {

void receipt_all(SignedLane& lane, Receipts& receipts, std::uint64_t last) {
  ASSERT_TRUE(receipts.add(lane.writer->epoch(), {Sequence{1}, Sequence{last}}));
  (void)receipts.set_chain(lane.writer->epoch(), {Sequence{last + 1}, lane.writer->head()});
  ASSERT_TRUE(receipts.store(lane.disk, lane.directory));
  ASSERT_TRUE(lane.writer->release(receipts));
}

TEST(EpochLink, NamesTheEpochBeforeAlthoughAllOfItsSegmentsWereReleased) {
  SignedLane lane;
  lane.start();
  lane.records(5);
  lane.end();
  const model::Hash head = lane.writer->head();
  Receipts receipts;
  receipt_all(lane, receipts, 5);
  ASSERT_TRUE(list_segments(lane.disk, lane.directory)->empty());
  lane.start();
  const auto& link = lane.writer->recovered().link;
  ASSERT_TRUE(link);
  EXPECT_EQ(link->epoch, Epoch{1});
  EXPECT_EQ(link->end, Sequence{6});
  EXPECT_EQ(link->head, head);
}

TEST(EpochLink, ReachesOverAStartThatCouldWriteNothing) {
  SignedLane lane;
  lane.start();
  lane.records(2);
  lane.end();
  Receipts receipts;
  receipt_all(lane, receipts, 2);
  lane.disk.set_capacity(1000);  // enough for the file `epoch`, not for a segment
  lane.start();
  ASSERT_TRUE(lane.writer->recovered().segment_error);
  lane.disk.set_capacity(1U << 20);
  lane.start();
  ASSERT_TRUE(lane.writer->recovered().link);
  EXPECT_EQ(lane.writer->recovered().link->epoch, Epoch{1});
  lane.records(1);
  lane.end();
  EXPECT_TRUE(verify_chain(lane.disk, lane.directory, {})->report.good());
}

TEST(EpochLink, LeavesOutAFileOfGarbageAtTheEnd) {
  SignedLane lane;
  lane.start();
  lane.records(2);
  lane.start_again();
  lane.records(1);
  lane.writer.reset();
  lane.disk.kill();
  for (auto& byte : lane.disk.content(lane.newest())) byte = 0x55;
  lane.start();
  ASSERT_TRUE(lane.writer->recovered().link);
  EXPECT_EQ(lane.writer->recovered().link->epoch, Epoch{1});
}

// Between two segments, while the disk refuses to make one, the file `epoch` is given the end so far.
struct Interrupted : SignedLane {
  void interrupt() {
    disk.fail_next(MemoryDisk::Operation::kOpen, EIO);
    ASSERT_FALSE(writer->rotate());
    ASSERT_TRUE(writer->release({}));
  }
};

TEST(EpochLink, PrefersTheSegmentsToAnEndThatWasRememberedBeforeTheyGrew) {
  Interrupted lane;
  lane.start();
  lane.records(3);
  lane.interrupt();
  lane.records(4);
  lane.start_again();
  ASSERT_TRUE(lane.writer->recovered().link);
  EXPECT_EQ(lane.writer->recovered().link->end, Sequence{8});
  EXPECT_TRUE(verify_chain(lane.disk, lane.directory, {})->report.good());
}

TEST(EpochLink, PrefersASegmentWithoutRecordsThatFollowedTheRememberedEnd) {
  Interrupted lane;
  lane.start();
  lane.records(3);
  lane.interrupt();
  ASSERT_TRUE(lane.writer->make_control_room(512));
  lane.checkpoint();
  lane.start_again();
  const auto report = verify_chain(lane.disk, lane.directory, {})->report;
  EXPECT_TRUE(report.good()) << summary(report);
}

TEST(EpochLink, NamesTheSealThatAFullDiskHadRefusedToTheStartBefore) {
  SignedLane lane;
  lane.start();
  lane.records(3);
  lane.writer.reset();
  lane.disk.kill();
  lane.disk.fail_next(MemoryDisk::Operation::kWrite, ENOSPC);
  lane.start();
  ASSERT_TRUE(lane.writer->recovered().seal_error);
  // It dies before its first segment is on disk.
  lane.writer.reset();
  lane.disk.kill();
  ASSERT_TRUE(lane.disk.unlink(lane.newest()));
  lane.start();
  lane.records(1);
  const auto report = verify_chain(lane.disk, lane.directory, {})->report;
  EXPECT_TRUE(report.good()) << summary(report);
}

TEST(EpochLink, KeepsTheRememberedEndWhereTheSegmentsBehindTheLastOneLeftAreGone) {
  Interrupted lane;
  lane.start();
  lane.records(3);
  ASSERT_TRUE(lane.writer->rotate());
  lane.records(4);
  lane.interrupt();
  Receipts receipts;
  ASSERT_TRUE(receipts.add(Epoch{1}, {Sequence{4}, Sequence{7}}));
  (void)receipts.set_chain(Epoch{1}, {Sequence{8}, lane.writer->head()});
  ASSERT_TRUE(lane.writer->release(receipts));
  ASSERT_EQ(list_segments(lane.disk, lane.directory)->size(), 1U);
  lane.start_again();
  ASSERT_TRUE(lane.writer->recovered().link);
  EXPECT_EQ(lane.writer->recovered().link->end, Sequence{8});
}

TEST(Epoch, IsAtLeastItsFloorAndGoesOnFromThere) {
  SignedLane lane;
  lane.options.epoch_floor = 1'700'000'000;
  lane.start();
  EXPECT_EQ(lane.writer->epoch(), Epoch{1'700'000'000});
  lane.records(1);
  lane.start_again();
  EXPECT_EQ(lane.writer->epoch(), Epoch{1'700'000'001});
  lane.options.epoch_floor = 1'800'000'000;
  lane.start_again();
  EXPECT_EQ(lane.writer->epoch(), Epoch{1'800'000'000});
  EXPECT_TRUE(verify_chain(lane.disk, lane.directory, {})->report.good());
}

}  // namespace
}  // namespace fluxrig::wal
