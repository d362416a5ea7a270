#include "wal/writer.hpp"

#include "wal/test_lane.hpp"

namespace fluxrig::wal {
namespace {

TEST(WalWriter, GivesGaplessSequencesFromOneAndACursorReadsThemBack) {
  TestLane lane;
  lane.open();
  const auto first = lane.append(3);
  const auto second = lane.append(2);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*first, (SequenceRange{Sequence{1}, Sequence{3}}));
  EXPECT_EQ(*second, (SequenceRange{Sequence{4}, Sequence{5}}));
  ASSERT_TRUE(lane.writer->sync());
  Cursor cursor(lane.disk, lane.directory, {}, &lane.writer->durable());
  expect_gapless(read_records(cursor), Epoch{1}, 5);
}

TEST(WalWriter, WritesOneFrameWithOneWrite) {
  TestLane lane;
  lane.open();
  const auto before = lane.disk.operations();
  ASSERT_TRUE(lane.append(10));
  EXPECT_EQ(lane.disk.operations() - before, 1U);
  ASSERT_TRUE(lane.writer->sync());
  EXPECT_EQ(lane.disk.operations() - before, 2U);
  ASSERT_TRUE(lane.writer->sync());  // nothing new: no system call
  EXPECT_EQ(lane.disk.operations() - before, 2U);
}

TEST(WalWriter, RefusesEmptyAndOversizeBlocks) {
  TestLane lane;
  lane.open();
  EXPECT_EQ(lane.writer->append({}, 0).error().code, ErrorCode::kInvalid);
  const Bytes large(model::kMaxBlockBytes, 0);
  EXPECT_EQ(lane.writer->append(large, 1).error().code, ErrorCode::kOversize);
  EXPECT_EQ(lane.writer->next_sequence().value, 1U);
}

TEST(WalWriter, TakesABlockLargerThanItsSegments) {
  TestLane lane;
  lane.open();
  ASSERT_TRUE(lane.append(1, 200'000));
  ASSERT_TRUE(lane.append(1));
  ASSERT_TRUE(lane.writer->sync());
  expect_gapless(read_all(lane.disk, lane.directory), Epoch{1}, 2);
}

TEST(WalWriter, ContinuesWithTheNextEpochAndLinksTheChains) {
  TestLane lane;
  lane.open();
  ASSERT_TRUE(lane.append(2));
  ASSERT_TRUE(lane.writer->close());
  const model::Hash head = lane.writer->head();
  lane.restart();
  EXPECT_EQ(lane.writer->epoch().value, 2U);
  ASSERT_TRUE(lane.writer->recovered().link);
  EXPECT_EQ(*lane.writer->recovered().link, (EpochLink{Epoch{1}, Sequence{3}, head}));
  ASSERT_TRUE(lane.append(1));
  ASSERT_TRUE(lane.writer->sync());
  const auto records = read_all(lane.disk, lane.directory);
  expect_gapless(records, Epoch{1}, 2);
  expect_gapless(records, Epoch{2}, 1);
  const auto scan = scan_segment(lane.disk, lane.directory, list_segments(lane.disk, lane.directory)->back());
  ASSERT_TRUE(scan);
  EXPECT_EQ(scan->link, lane.writer->recovered().link);
}

TEST(WalWriter, NeverUsesAnEpochTwiceAlthoughItsSegmentsAreGone) {
  TestLane lane;
  lane.open();
  lane.restart();
  lane.restart();
  ASSERT_EQ(lane.writer->epoch().value, 3U);
  lane.writer.reset();
  const auto names = list_segments(lane.disk, lane.directory);
  for (const auto& name : *names) ASSERT_TRUE(lane.disk.unlink(path_of(lane.directory, name)));
  lane.open();
  EXPECT_EQ(lane.writer->epoch().value, 4U);
}

TEST(WalWriter, SkipsAheadWhenTheEpochFileIsDamaged) {
  TestLane lane;
  lane.open();
  lane.writer.reset();
  lane.disk.content("audit/epoch")[3] ^= 0xff;
  lane.open();
  EXPECT_TRUE(lane.writer->recovered().epoch_file_damaged);
  EXPECT_GT(lane.writer->epoch().value, 1000U);
}

TEST(WalWriter, RotatesAtItsSizeAndKeepsEverySegmentWithinIt) {
  TestLane lane;
  lane.open();
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(lane.append(1, 500));
  ASSERT_TRUE(lane.writer->sync());
  const auto names = list_segments(lane.disk, lane.directory);
  ASSERT_GT(names->size(), 5U);
  for (const auto& name : *names)
    EXPECT_LE(lane.disk.content(path_of(lane.directory, name)).size(), lane.options.segment_bytes);
  expect_gapless(read_all(lane.disk, lane.directory), Epoch{1}, 200);
}

TEST(WalWriter, RotatesByAgeOnlyWhenThereAreRecords) {
  TestLane lane;
  lane.open();
  lane.clock.advance(2 * lane.options.segment_age_nanos);
  while (*lane.writer->maintain()) {
  }
  EXPECT_EQ(lane.writer->segment_count(), 1U);
  ASSERT_TRUE(lane.append());
  lane.clock.advance(2 * lane.options.segment_age_nanos);
  while (*lane.writer->maintain()) {
  }
  EXPECT_EQ(lane.writer->segment_count(), 2U);
}

TEST(WalWriter, TakesLittleDiskAtFirst) {
  TestLane lane;
  lane.options.segment_bytes = 8U << 20;
  lane.open();
  EXPECT_LE(lane.writer->used_bytes(), 64U << 10);
}

TEST(WalWriter, WritesZerosAheadInMaintenanceAndNotInAppend) {
  TestLane lane;
  lane.options.segment_bytes = 8U << 20;
  lane.open();
  ASSERT_TRUE(lane.append(1, 40'000));
  ASSERT_TRUE(lane.writer->sync());
  while (*lane.writer->maintain()) {
  }
  const auto before = lane.disk.operations();
  ASSERT_TRUE(lane.append(1, 40'000));
  EXPECT_EQ(lane.disk.operations() - before, 1U);
}

TEST(WalWriter, RefusesAppendsAfterClose) {
  TestLane lane;
  lane.open();
  ASSERT_TRUE(lane.writer->close());
  EXPECT_EQ(lane.append().error().code, ErrorCode::kRefused);
}

TEST(WalWriter, WritesControlBlocksIntoTheChain) {
  TestLane lane;
  lane.open();
  Bytes body;
  cbor::Encoder(body).map(0);
  ASSERT_TRUE(lane.append());
  ASSERT_TRUE(lane.writer->append_control(model::BlockKind::kLoss, body));
  ASSERT_TRUE(lane.append());
  ASSERT_TRUE(lane.writer->sync());
  const auto scan = scan_segment(lane.disk, lane.directory, list_segments(lane.disk, lane.directory)->back());
  EXPECT_EQ(scan->damage_count, 0U);
  EXPECT_EQ(scan->blocks, 4U);
  EXPECT_EQ(lane.writer->append_control(model::BlockKind::kSeal, body).error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace fluxrig::wal
