#include "wal/cursor.hpp"

#include "wal/test_lane.hpp"

namespace fluxrig::wal {
namespace {

TEST(WalCursor, SeesOnlyWhatIsSynced) {
  TestLane lane;
  lane.open();
  Cursor cursor(lane.disk, lane.directory, {}, &lane.writer->durable());
  ASSERT_TRUE(lane.append(2));
  EXPECT_TRUE(read_records(cursor).empty());
  ASSERT_TRUE(lane.writer->sync());
  ASSERT_TRUE(lane.append(4));
  EXPECT_EQ(read_records(cursor).size(), 2U);
  ASSERT_TRUE(lane.writer->sync());
  EXPECT_EQ(read_records(cursor).size(), 4U);
}

TEST(WalCursor, FollowsTheWriterOverSegmentsAndEpochs) {
  TestLane lane;
  lane.open();
  Cursor cursor(lane.disk, lane.directory, {}, &lane.writer->durable());
  std::vector<ReadRecord> records;
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(lane.append(1, 300));
    if (i % 7 != 0) continue;
    ASSERT_TRUE(lane.writer->sync());
    const auto more = read_records(cursor);
    records.insert(records.end(), more.begin(), more.end());
  }
  EXPECT_GT(lane.writer->segment_count(), 4U);
  expect_gapless(records, Epoch{1}, 295);
}

TEST(WalCursor, StartsAtTheBlockThatHoldsTheSequence) {
  TestLane lane;
  lane.open();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(lane.append(3, 300));
  ASSERT_TRUE(lane.writer->sync());
  for (const std::uint64_t wanted : {1U, 2U, 3U, 4U, 150U, 299U, 300U}) {
    Cursor cursor(lane.disk, lane.directory, {Epoch{1}, Sequence{wanted}}, &lane.writer->durable());
    const auto records = read_records(cursor);
    ASSERT_FALSE(records.empty());
    EXPECT_EQ(records.front().sequence.value, (wanted - 1) / 3 * 3 + 1);
    EXPECT_EQ(records.back().sequence.value, 300U);
  }
}

TEST(WalCursor, PassesOverSegmentsThatAreReleasedUnderIt) {
  TestLane lane;
  lane.open();
  for (int i = 0; i < 150; ++i) ASSERT_TRUE(lane.append(1, 500));
  ASSERT_TRUE(lane.writer->sync());
  Cursor cursor(lane.disk, lane.directory, {}, &lane.writer->durable());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(cursor.next());  // inside the first segment
  Receipts receipts;
  ASSERT_TRUE(receipts.add(Epoch{1}, {Sequence{1}, Sequence{140}}));
  ASSERT_GT(lane.writer->release(receipts)->segments, 2U);
  while (*lane.writer->maintain()) {  // its bytes become zeros, then other records
  }
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(lane.append(1, 500));
  ASSERT_TRUE(lane.writer->sync());
  const auto records = read_records(cursor);
  EXPECT_FALSE(cursor.damage());
  ASSERT_FALSE(records.empty());
  EXPECT_EQ(records.back().sequence.value, 250U);
  for (const auto& record : records) EXPECT_EQ(record.number, record.sequence.value);
}

TEST(WalCursor, ReportsZerosInTheMiddleAndGoesOnAtTheNextFrame) {
  TestLane lane;
  lane.open();
  ASSERT_TRUE(lane.append(1, 3000));
  ASSERT_TRUE(lane.writer->sync());
  const std::uint64_t start = lane.writer->durable().get().offset;
  ASSERT_TRUE(lane.append(1, 3000));
  ASSERT_TRUE(lane.append(1, 3000));
  ASSERT_TRUE(lane.writer->sync());
  Bytes& content = lane.disk.content(lane.newest());
  std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(start), 2000, std::uint8_t{0});
  Cursor cursor(lane.disk, lane.directory, {}, &lane.writer->durable());
  EXPECT_EQ(read_records(cursor).size(), 1U);
  ASSERT_TRUE(cursor.damage());
  EXPECT_EQ(cursor.damage()->offset, start);
  EXPECT_STREQ(cursor.damage()->what, "zeros where a frame should be");
  ASSERT_TRUE(cursor.skip_damage());
  EXPECT_EQ(read_records(cursor).size(), 1U);
  ASSERT_TRUE(lane.append(1));
  ASSERT_TRUE(lane.writer->sync());
  EXPECT_EQ(read_records(cursor).size(), 1U);
}

TEST(WalCursor, GoesOnAtTheNextSegmentWhenTheRestOfOneIsGarbage) {
  TestLane lane;
  lane.open();
  ASSERT_TRUE(lane.append(1));
  ASSERT_TRUE(lane.writer->sync());
  const std::uint64_t offset = lane.writer->durable().get().offset;
  ASSERT_TRUE(lane.append(1));
  const std::string first = lane.newest();
  ASSERT_TRUE(lane.writer->rotate());
  ASSERT_TRUE(lane.append(1));
  ASSERT_TRUE(lane.writer->sync());
  Bytes& content = lane.disk.content(first);
  std::fill(content.begin() + static_cast<std::ptrdiff_t>(offset), content.end(), std::uint8_t{0x82});
  Cursor cursor(lane.disk, lane.directory, {}, &lane.writer->durable());
  EXPECT_EQ(read_records(cursor).size(), 1U);
  ASSERT_TRUE(cursor.damage());
  ASSERT_TRUE(cursor.skip_damage());
  const auto rest = read_records(cursor);
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].sequence.value, 3U);
}

TEST(WalCursor, TriesAgainAfterAReadError) {
  TestLane lane;
  lane.open();
  ASSERT_TRUE(lane.append(1));
  ASSERT_TRUE(lane.writer->sync());
  Cursor cursor(lane.disk, lane.directory, {}, &lane.writer->durable());
  lane.disk.fail_next(MemoryDisk::Operation::kRead, 5);
  EXPECT_EQ(cursor.next().error().code, ErrorCode::kIo);
  EXPECT_EQ(read_records(cursor).size(), 1U);
}

}  // namespace
}  // namespace fluxrig::wal
