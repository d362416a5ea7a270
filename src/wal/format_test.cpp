// The bytes of docs/formats/wal.md: its worked example is what the writer writes.
#include <filesystem>
#include <fstream>

#include "base/source_tree.hpp"
#include "wal/frame.hpp"
#include "wal/test_lane.hpp"

namespace fluxrig::wal {
namespace {

// The hex digits of the page's ```hex blocks, comments after '#' left out.
Bytes example_of_the_page() {
  std::ifstream page(source_tree() / "docs" / "formats" / "wal.md");
  std::string line;
  std::string digits;
  bool inside = false;
  while (std::getline(page, line)) {
    if (line.starts_with("```")) {
      inside = line == "```hex";
      continue;
    }
    if (!inside) continue;
    for (const char c : line.substr(0, line.find('#')))
      if (c != ' ') digits.push_back(c);
  }
  return from_hex(digits).value_or(Bytes());
}

TEST(WalFormat, TheWorkedExampleOfThePageIsWhatTheWriterWrites) {
  TestLane lane;
  lane.open();
  ASSERT_TRUE(lane.append(2, 3));
  ASSERT_TRUE(lane.writer->close());
  EXPECT_EQ(lane.newest(), "audit/00000000000000000001-1.wal");
  Bytes content = lane.disk.content(lane.newest());
  while (!content.empty() && content.back() == 0) content.pop_back();
  EXPECT_EQ(to_hex(example_of_the_page()), to_hex(content));
}

TEST(WalFormat, TheWorkedExampleOfThePageIsRead) {
  TestLane lane;
  ASSERT_TRUE(lane.disk.make_directory(lane.directory));
  auto file = lane.disk.open("audit/00000000000000000001-1.wal", OpenMode::kCreateEmpty);
  ASSERT_TRUE((*file)->write_at(0, example_of_the_page()));
  expect_gapless(read_all(lane.disk, lane.directory), Epoch{1}, 2);
}

TEST(WalFrame, GivesBackTheBlockAtEveryWidthOfItsLength) {
  for (const std::size_t size : {0U, 1U, 23U, 24U, 255U, 256U, 65'535U, 65'536U, 1'048'576U}) {
    const Bytes block(size, 0x5a);
    Bytes frame;
    encode_frame(block, frame);
    const auto decoded = decode_frame(frame);
    ASSERT_TRUE(decoded) << size;
    EXPECT_EQ(decoded->frame_bytes, frame.size());
    EXPECT_TRUE(std::equal(block.begin(), block.end(), decoded->block.begin(), decoded->block.end()));
    EXPECT_EQ(decode_frame(ByteView(frame).first(frame.size() - 1)).error().code, ErrorCode::kTruncated);
  }
}

TEST(WalFrame, RefusesLengthsThatAreNotTheShortestOrOverTheLimit) {
  const auto code_of = [](std::string_view hex) { return decode_frame_head(*from_hex(hex)).error().code; };
  EXPECT_EQ(code_of("00"), ErrorCode::kInvalid);
  EXPECT_EQ(code_of("821a00000000581700"), ErrorCode::kInvalid);
  EXPECT_EQ(code_of("821a000000005900ff00"), ErrorCode::kInvalid);
  EXPECT_EQ(code_of("821a000000005a0000ffff"), ErrorCode::kInvalid);
  EXPECT_EQ(code_of("821a000000005a00100001"), ErrorCode::kOversize);
  EXPECT_EQ(code_of("821a000000005b0000000000000001"), ErrorCode::kInvalid);
  EXPECT_EQ(code_of("821a000000006100"), ErrorCode::kInvalid);
  EXPECT_EQ(code_of("821a"), ErrorCode::kTruncated);
  EXPECT_EQ(code_of("8219"), ErrorCode::kInvalid);
}

TEST(WalSegmentName, IsReadBackAndOrderedByEpochThenSequence) {
  const SegmentName name{Epoch{12}, Sequence{345}};
  EXPECT_EQ(to_string(name), "00000000000000000345-12.wal");
  EXPECT_EQ(parse_segment_name(to_string(name)), name);
  for (const char* other :
       {"", "lock", "epoch", "spare-1", "00000000000000000345-.wal", "00000000000000000345-0.wal",
        "00000000000000000000-1.wal", "0000000000000000034x-1.wal", "00000000000000000345-4294967296.wal",
        "99999999999999999999-1.wal"})
    EXPECT_FALSE(parse_segment_name(other)) << other;
  EXPECT_LT((SegmentName{Epoch{1}, Sequence{900}}), (SegmentName{Epoch{2}, Sequence{1}}));
}

TEST(WalControlBody, IsReadBackAndSkipsKeysOfLaterVersions) {
  HeaderBody header{"edge", "0.1.0", EpochLink{Epoch{3}, Sequence{77}, {}}};
  header.link->head[0] = 9;
  Bytes body;
  encode_header_body(header, body);
  const auto decoded = decode_header_body(body);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->rack, "edge");
  EXPECT_EQ(decoded->link, header.link);
  const auto later = decode_seal_body(*from_hex("a300050106026178"));
  ASSERT_TRUE(later);
  EXPECT_EQ(later->blocks, 5U);
  EXPECT_EQ(later->records, 6U);
  EXPECT_FALSE(decode_seal_body(*from_hex("a20005")));
}

}  // namespace
}  // namespace fluxrig::wal
