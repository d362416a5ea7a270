#include "wal/inspect.hpp"

#include "wal/frame.hpp"

#include "wal/test_lane.hpp"

namespace fluxrig::wal {
namespace {

// Two epochs of several segments, the last one cleanly closed.
void fill(TestLane& lane) {
  lane.open();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(lane.append(2, 300));
  ASSERT_TRUE(lane.writer->sync());
  lane.restart();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(lane.append(1, 300));
  ASSERT_TRUE(lane.writer->close());
  lane.writer.reset();
}

TEST(WalInspect, VerifyCountsWhatIsThereAndFindsNothingInAGoodDirectory) {
  TestLane lane;
  fill(lane);
  const auto verified = verify(lane.disk, lane.directory);
  ASSERT_TRUE(verified);
  for (const auto& finding : verified->findings) ADD_FAILURE() << finding.file << ": " << finding.what;
  EXPECT_TRUE(verified->good());
  EXPECT_EQ(verified->records, 180U);
  EXPECT_EQ(verified->epochs, 2U);
  EXPECT_EQ(verified->torn_bytes, 0U);
}

TEST(WalInspect, VerifyFindsABitFlippedInAnyByteOfASegment) {
  TestLane lane;
  lane.open();
  ASSERT_TRUE(lane.append(2, 20));
  ASSERT_TRUE(lane.append(1, 20));
  ASSERT_TRUE(lane.writer->rotate());
  ASSERT_TRUE(lane.append(1, 20));
  ASSERT_TRUE(lane.writer->close());
  lane.writer.reset();
  ASSERT_TRUE(verify(lane.disk, lane.directory)->good());
  for (const std::string& path : {lane.oldest(), lane.newest()}) {
    Bytes& content = lane.disk.content(path);
    const std::uint64_t tail =
        scan_segment(lane.disk, lane.directory, *parse_segment_name(path.substr(6)))->tail;
    for (std::size_t at = 0; at < tail + 200; ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        content[at] ^= static_cast<std::uint8_t>(1 << bit);
        const auto verified = verify(lane.disk, lane.directory);
        ASSERT_TRUE(verified);
        const bool noticed = !verified->good() || verified->torn_bytes > 0;
        EXPECT_TRUE(noticed) << path << " byte " << at << " bit " << bit;
        if (path == lane.oldest()) {
          EXPECT_FALSE(verified->good()) << at;
          EXPECT_EQ(verified->findings.front().file, path.substr(6));
        }
        content[at] ^= static_cast<std::uint8_t>(1 << bit);
      }
    }
  }
}

TEST(WalInspect, VerifyNamesTheFirstBadSequenceFileAndOffset) {
  TestLane lane;
  lane.open();
  ASSERT_TRUE(lane.append(5));
  ASSERT_TRUE(lane.writer->sync());
  const std::uint64_t offset = lane.writer->durable().get().offset;
  ASSERT_TRUE(lane.append(5));
  ASSERT_TRUE(lane.append(5));
  ASSERT_TRUE(lane.writer->close());
  lane.disk.content(lane.newest())[offset + 50] ^= 4;
  const auto verified = verify(lane.disk, lane.directory);
  ASSERT_EQ(verified->findings.size(), 2U);  // and the seal counts more than there is
  EXPECT_EQ(verified->findings[0].sequence.value, 6U);
  EXPECT_EQ(verified->findings[0].offset, offset);
  EXPECT_STREQ(verified->findings[0].what, "the checksum does not match");
}

TEST(WalInspect, VerifyFindsAMissingSegmentUnlessItsRecordsHaveReceipts) {
  TestLane lane;
  fill(lane);
  const auto names = list_segments(lane.disk, lane.directory);
  ASSERT_GT(names->size(), 3U);
  ASSERT_TRUE(lane.disk.unlink(path_of(lane.directory, (*names)[1])));
  const auto missing = verify(lane.disk, lane.directory);
  ASSERT_EQ(missing->finding_count, 1U);
  EXPECT_EQ(missing->findings[0].sequence, (*names)[1].first);
  Receipts receipts;
  ASSERT_TRUE(receipts.add(Epoch{1}, {(*names)[1].first, Sequence{(*names)[2].first.value - 1}}));
  ASSERT_TRUE(receipts.store(lane.disk, lane.directory));
  EXPECT_TRUE(verify(lane.disk, lane.directory)->good());
}

TEST(WalInspect, VerifyFindsAnEpochWhoseEndWasTakenAway) {
  TestLane lane;
  fill(lane);
  const auto names = list_segments(lane.disk, lane.directory);
  std::size_t last_of_first = 0;
  while ((*names)[last_of_first + 1].epoch.value == 1) ++last_of_first;
  ASSERT_TRUE(lane.disk.unlink(path_of(lane.directory, (*names)[last_of_first])));
  EXPECT_FALSE(verify(lane.disk, lane.directory)->good());
}

TEST(WalInspect, VerifyFindsARecordRewrittenWithAFreshChecksum) {
  TestLane lane;
  lane.open();
  ASSERT_TRUE(lane.append(1, 20));
  ASSERT_TRUE(lane.append(1, 20));
  ASSERT_TRUE(lane.writer->close());
  Bytes& content = lane.disk.content(lane.newest());
  Cursor cursor(lane.disk, lane.directory, {});
  std::uint64_t offset = 0;
  Bytes block;
  for (auto stored = cursor.next(); stored && *stored; stored = cursor.next()) {
    if ((*stored)->view.head.first.value != 1 || (*stored)->view.head.count != 1) continue;
    offset = (*stored)->offset;
    block.assign((*stored)->bytes.begin(), (*stored)->bytes.end());
  }
  block.back() ^= 1;
  Bytes frame;
  encode_frame(block, frame);
  std::copy(frame.begin(), frame.end(), content.begin() + static_cast<std::ptrdiff_t>(offset));
  const auto verified = verify(lane.disk, lane.directory);
  ASSERT_EQ(verified->finding_count, 1U);
  EXPECT_STREQ(verified->findings[0].what, "the previous block's hash does not match");
  EXPECT_EQ(verified->findings[0].sequence.value, 2U);
}

TEST(WalInspect, SummarizeListsSegmentsWithTheirReceipts) {
  TestLane lane;
  lane.open();
  ASSERT_TRUE(lane.append(10));
  ASSERT_TRUE(lane.writer->rotate());
  ASSERT_TRUE(lane.append(3));
  ASSERT_TRUE(lane.writer->sync());
  Receipts receipts;
  ASSERT_TRUE(receipts.add(Epoch{1}, {Sequence{4}, Sequence{11}}));
  ASSERT_TRUE(receipts.store(lane.disk, lane.directory));
  const auto summaries = summarize(lane.disk, lane.directory);
  ASSERT_EQ(summaries->size(), 2U);
  EXPECT_TRUE((*summaries)[0].scan.sealed);
  EXPECT_EQ((*summaries)[0].scan.records, 10U);
  EXPECT_EQ((*summaries)[0].receipted, 7U);
  EXPECT_FALSE((*summaries)[1].scan.sealed);
  EXPECT_EQ((*summaries)[1].receipted, 1U);
}

}  // namespace
}  // namespace fluxrig::wal
