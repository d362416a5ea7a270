#include "wal/receipts.hpp"

#include "wal/inspect.hpp"
#include "wal/test_lane.hpp"

namespace fluxrig::wal {
namespace {

SequenceRange range(std::uint64_t first, std::uint64_t last) { return {Sequence{first}, Sequence{last}}; }

TEST(WalReceipts, MergeNeighboursAndOverlapsAndTakeTheSameTwice) {
  Receipts receipts;
  EXPECT_EQ(receipts.add(Epoch{1}, range(5, 9)), true);
  EXPECT_EQ(receipts.add(Epoch{1}, range(20, 29)), true);
  EXPECT_EQ(receipts.add(Epoch{1}, range(10, 12)), true);
  EXPECT_EQ(receipts.add(Epoch{1}, range(6, 11)), false);
  EXPECT_EQ(receipts.ranges(Epoch{1}), (std::vector{range(5, 12), range(20, 29)}));
  EXPECT_EQ(receipts.add(Epoch{1}, range(1, 40)), true);
  EXPECT_EQ(receipts.ranges(Epoch{1}), (std::vector{range(1, 40)}));
  EXPECT_EQ(receipts.range_count(), 1U);
  EXPECT_FALSE(receipts.covers(Epoch{2}, range(1, 1)));
}

TEST(WalReceipts, AgreeWithASetOfNumbersOverRandomRanges) {
  const std::uint64_t seed = SeededRandom::from_system().next();
  SCOPED_TRACE("seed " + std::to_string(seed));
  SeededRandom random(seed);
  Receipts receipts;
  std::vector<bool> model(300);
  for (int i = 0; i < 2000; ++i) {
    if (i % 100 == 0) {
      receipts = Receipts();
      model.assign(300, false);
    }
    const std::uint64_t first = 1 + random.below(280);
    const std::uint64_t last = first + random.below(10);
    bool fresh = false;
    for (std::uint64_t n = first; n <= last; ++n) {
      fresh = fresh || !model[n];
      model[n] = true;
    }
    ASSERT_EQ(receipts.add(Epoch{3}, range(first, last)), fresh);
    for (std::uint64_t n = 1; n < model.size(); ++n)
      ASSERT_EQ(receipts.contains(Epoch{3}, Sequence{n}), model[n]);
    const auto ranges = receipts.ranges(Epoch{3});
    ASSERT_EQ(ranges.size(), receipts.range_count());
    for (std::size_t k = 1; k < ranges.size(); ++k)
      ASSERT_GT(ranges[k].first.value, ranges[k - 1].last.value + 1);
  }
}

TEST(WalReceipts, RefuseEmptyRangesAndMoreThanTheirBound) {
  Receipts receipts;
  EXPECT_EQ(receipts.add(Epoch{1}, range(0, 4)).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(receipts.add(Epoch{1}, range(5, 4)).error().code, ErrorCode::kInvalid);
  for (std::uint64_t i = 0; i < Receipts::kMaxRanges; ++i)
    ASSERT_TRUE(receipts.add(Epoch{1}, range(10 * i + 1, 10 * i + 1)));
  EXPECT_EQ(receipts.add(Epoch{1}, range(9'999'999, 9'999'999)).error().code, ErrorCode::kFull);
  EXPECT_TRUE(receipts.add(Epoch{1}, range(2, 2)));  // joins one that is there
}

TEST(WalReceipts, AreTheOldOrTheNewOnesAfterACrashAtAnyStep) {
  const std::uint64_t seed = SeededRandom::from_system().next();
  SCOPED_TRACE("seed " + std::to_string(seed));
  SeededRandom random(seed);
  for (std::uint64_t step = 0; step < 8; ++step) {
    for (int round = 0; round < 20; ++round) {
      MemoryDisk disk;
      ASSERT_TRUE(disk.make_directory("audit"));
      Receipts receipts;
      ASSERT_TRUE(receipts.add(Epoch{1}, range(1, 10)));
      ASSERT_TRUE(receipts.store(disk, "audit"));
      ASSERT_TRUE(receipts.add(Epoch{1}, range(11, 20)));
      disk.stop_after(step);
      const auto stored = receipts.store(disk, "audit");
      EXPECT_EQ(receipts.changed(), !stored);
      disk.crash(random);
      const auto loaded = Receipts::load(disk, "audit");
      ASSERT_TRUE(loaded) << "step " << step;
      EXPECT_TRUE(loaded->covers(Epoch{1}, range(1, 10)));
      if (stored) {
        EXPECT_TRUE(loaded->covers(Epoch{1}, range(1, 20)));
      }
    }
  }
}

TEST(WalReceipts, ReportADamagedFileAndStartEmptyWithoutOne) {
  MemoryDisk disk;
  ASSERT_TRUE(disk.make_directory("audit"));
  EXPECT_EQ(Receipts::load(disk, "audit")->range_count(), 0U);
  Receipts receipts;
  ASSERT_TRUE(receipts.add(Epoch{1}, range(1, 1000)));
  ASSERT_TRUE(receipts.store(disk, "audit"));
  const std::size_t size = disk.content("audit/receipts").size();
  for (std::size_t at = 0; at < size; ++at) {
    disk.content("audit/receipts")[at] ^= 0x10;
    EXPECT_EQ(Receipts::load(disk, "audit").error().code, ErrorCode::kCorrupt) << at;
    disk.content("audit/receipts")[at] ^= 0x10;
  }
  EXPECT_TRUE(Receipts::load(disk, "audit")->covers(Epoch{1}, range(1, 1000)));
}

TEST(WalReceipts, OfGoneEpochsAreForgotten) {
  Receipts receipts;
  for (std::uint32_t epoch = 1; epoch <= 5; ++epoch) ASSERT_TRUE(receipts.add(Epoch{epoch}, range(1, 5)));
  receipts.forget_before(Epoch{4});
  EXPECT_EQ(receipts.range_count(), 2U);
  EXPECT_FALSE(receipts.contains(Epoch{3}, Sequence{1}));
  EXPECT_TRUE(receipts.contains(Epoch{4}, Sequence{1}));
}

TEST(WalRelease, DeletesOnlySegmentsOfWhichEveryRecordHasItsReceipt) {
  TestLane lane;
  lane.options.spare_segments = 0;
  lane.open();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(lane.append(1, 500));
  ASSERT_TRUE(lane.writer->sync());
  const auto names = list_segments(lane.disk, lane.directory);
  ASSERT_GT(names->size(), 3U);
  Receipts receipts;
  // All of the second, all but one of the third, and the one that is being written.
  ASSERT_TRUE(receipts.add(Epoch{1}, range((*names)[1].first.value, (*names)[3].first.value - 2)));
  ASSERT_TRUE(receipts.add(Epoch{1}, range(names->back().first.value, 100)));
  const auto released = lane.writer->release(receipts);
  ASSERT_TRUE(released);
  EXPECT_EQ(released->segments, 1U);
  auto left = *names;
  left.erase(left.begin() + 1);
  EXPECT_EQ(*list_segments(lane.disk, lane.directory), left);
}

TEST(WalRelease, FindsTheEndOfASegmentWhoseSuccessorIsMissing) {
  TestLane lane;
  lane.open();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(lane.append(1, 500));
  ASSERT_TRUE(lane.writer->close());
  lane.writer.reset();
  const auto names = list_segments(lane.disk, lane.directory);
  ASSERT_TRUE(lane.disk.unlink(path_of(lane.directory, (*names)[1])));
  lane.open();
  Receipts receipts;
  ASSERT_TRUE(receipts.add(Epoch{1}, range(1, (*names)[1].first.value - 1)));
  EXPECT_EQ(lane.writer->release(receipts)->segments, 1U);
}

TEST(WalRelease, RecyclesSegmentsSoThatNothingOldIsEverReadAgain) {
  TestLane lane;
  lane.open();
  std::uint64_t count = 0;
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 60; ++i, ++count) ASSERT_TRUE(lane.append(1, 500));
    ASSERT_TRUE(lane.writer->sync());
    Receipts receipts;
    ASSERT_TRUE(receipts.add(Epoch{1}, range(1, count - 5)));
    EXPECT_GT(lane.writer->release(receipts)->segments, 0U);
    while (*lane.writer->maintain()) {
    }
  }
  const auto records = read_all(lane.disk, lane.directory);
  ASSERT_FALSE(records.empty());
  EXPECT_EQ(records.back().sequence.value, count);
  for (std::size_t i = 1; i < records.size(); ++i)
    EXPECT_EQ(records[i].sequence.value, records[i - 1].sequence.value + 1);
  for (const auto& record : records) EXPECT_EQ(record.number, record.sequence.value);
  const auto verified = verify(lane.disk, lane.directory);
  EXPECT_EQ(verified->torn_bytes, 0U);
  // The receipts were never stored here, so what is missing at the front is the one thing to find.
  EXPECT_EQ(verified->finding_count, 1U);
}

TEST(WalRelease, DropsTheOldestForALaneThatMay) {
  TestLane lane;
  lane.open();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(lane.append(1, 500));
  const auto names = list_segments(lane.disk, lane.directory);
  const auto dropped = lane.writer->drop_oldest();
  ASSERT_TRUE(dropped && *dropped);
  EXPECT_EQ((*dropped)->name, (*names)[0]);
  EXPECT_EQ((*dropped)->end, (*names)[1].first);
}

}  // namespace
}  // namespace fluxrig::wal
