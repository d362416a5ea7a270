#include "model/block.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "cbor/encoder.hpp"
#include "model/golden_records.hpp"

namespace fluxrig::model {
namespace {

BlockHead head_of(BlockKind kind, std::uint32_t count) {
  BlockHead head;
  head.kind = kind;
  head.machine_id = golden::machine_id();
  head.lane = Lane::kAudit;
  head.epoch = {2};
  head.first = {120'331};
  head.count = count;
  head.time = golden::kStart;
  for (std::size_t i = 0; i < head.previous.size(); ++i) head.previous[i] = static_cast<std::uint8_t>(i);
  return head;
}

Bytes block_of(const BlockHead& head, ByteView records, ByteView body) {
  Bytes out;
  encode_block(head, records, body, out);
  return out;
}

Bytes records_block() {
  const auto records = golden::records();
  return block_of(head_of(BlockKind::kRecords, static_cast<std::uint32_t>(records.size())),
                  golden::sequence_of(records), {});
}

Bytes header_block() { return block_of(head_of(BlockKind::kHeader, 0), {}, *from_hex("a10001")); }

ErrorCode decode_error(ByteView block) {
  const auto view = decode_block(block);
  EXPECT_FALSE(view) << to_hex(block);
  return view ? ErrorCode::kInternal : view.error().code;
}

void expect_same(const BlockHead& got, const BlockHead& wanted) {
  EXPECT_EQ(got.kind, wanted.kind);
  EXPECT_EQ(got.machine_id, wanted.machine_id);
  EXPECT_EQ(got.lane, wanted.lane);
  EXPECT_EQ(got.epoch, wanted.epoch);
  EXPECT_EQ(got.first, wanted.first);
  EXPECT_EQ(got.count, wanted.count);
  EXPECT_EQ(got.previous, wanted.previous);
  EXPECT_EQ(got.time, wanted.time);
}

// A records block as hex pieces, so that a test can spoil one of them.
struct Pieces {
  std::string head = "aa";
  std::string version = "0001", kind = "0101";
  std::string machine = "0250" + std::string(32, '1');
  std::string lane = "0301", epoch = "0401", first = "0501", count = "0602";
  std::string previous = "075820" + std::string(64, '0');
  std::string time = "0801", records = "098201a0", more;
  [[nodiscard]] Bytes bytes() const {
    return *from_hex(head + version + kind + machine + lane + epoch + first + count + previous + time +
                     records + more);
  }
};

TEST(Block, GivesBackTheHeadAndTheRecords) {
  const Bytes bytes = records_block();
  const auto view = decode_block(bytes);
  ASSERT_TRUE(view) << to_string(view.error());
  const auto records = golden::records();
  expect_same(view->head, head_of(BlockKind::kRecords, static_cast<std::uint32_t>(records.size())));
  EXPECT_EQ(to_hex(view->records), to_hex(golden::sequence_of(records)));
  EXPECT_TRUE(view->body.empty());
}

TEST(Block, ItsHeadIsNoLargerThanWhatIsReservedForIt) {
  BlockHead head = head_of(BlockKind::kRecords, std::numeric_limits<std::uint32_t>::max());
  head.epoch = {std::numeric_limits<std::uint32_t>::max()};
  head.first = {std::numeric_limits<std::uint64_t>::max()};
  head.time = {std::numeric_limits<std::int64_t>::max()};
  EXPECT_LE(block_of(head, {}, {}).size(), kMaxBlockHeadBytes);
  EXPECT_GT(block_of(head, {}, {}).size(), kMaxBlockHeadBytes - 10);
}

TEST(Block, GivesBackTheBodyOfEveryOtherKind) {
  const Bytes body = *from_hex("a2000101f5");
  for (const auto kind : {BlockKind::kHeader, BlockKind::kCheckpoint, BlockKind::kRecovery, BlockKind::kLoss,
                          BlockKind::kSeal}) {
    const Bytes bytes = block_of(head_of(kind, 0), {}, body);
    const auto view = decode_block(bytes);
    ASSERT_TRUE(view);
    expect_same(view->head, head_of(kind, 0));
    EXPECT_EQ(to_hex(view->body), to_hex(body));
    EXPECT_TRUE(view->records.empty());
    EXPECT_TRUE(decode_block(block_of(head_of(kind, 0), {}, {})).value().body.empty());
  }
}

TEST(Block, WritesTheGoldenFile) {
  Bytes bytes = header_block();
  const Bytes records = records_block();
  bytes.insert(bytes.end(), records.begin(), records.end());
  golden::expect_golden("blocks.cbor", bytes);
}

TEST(Block, WritesTheExampleOfTheFormatPage) {
  Log small;
  small.time = golden::kStart;
  const Bytes bytes = block_of(head_of(BlockKind::kRecords, 1), golden::sequence_of({small}), {});
  EXPECT_EQ(golden::documented_hex("docs/formats/block.md"), to_hex(bytes));
}

TEST(Block, RefusesEveryTruncationAndTrailingBytes) {
  Bytes bytes = records_block();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_block(ByteView(bytes).first(size))) << "cut at " << size;
  bytes.push_back(0);
  EXPECT_EQ(decode_error(bytes), ErrorCode::kInvalid);
}

TEST(Block, RefusesAnUnknownVersionByName) {
  Pieces pieces;
  EXPECT_TRUE(decode_block(pieces.bytes()));
  pieces.version = "0002";
  EXPECT_EQ(decode_error(pieces.bytes()), ErrorCode::kUnsupported);
}

TEST(Block, IgnoresKeysItDoesNotKnow) {
  Pieces pieces;
  pieces.head = "ab";
  pieces.more = "0b826161f5";
  EXPECT_TRUE(decode_block(pieces.bytes()));
}

TEST(Block, RefusesSpoiledFields) {
  const auto spoiled = [](auto spoil) {
    Pieces pieces;
    spoil(pieces);
    return decode_error(pieces.bytes());
  };
  EXPECT_EQ(spoiled([](Pieces& p) { p.kind = "0106"; }), ErrorCode::kInvalid);
  EXPECT_EQ(spoiled([](Pieces& p) { p.kind = "0100"; }), ErrorCode::kInvalid);
  EXPECT_EQ(spoiled([](Pieces& p) {
              p.machine =
                  "0241"
                  "11";
            }),
            ErrorCode::kInvalid);
  EXPECT_EQ(spoiled([](Pieces& p) { p.lane = "0303"; }), ErrorCode::kInvalid);
  EXPECT_EQ(spoiled([](Pieces& p) { p.epoch = "041b0000000100000000"; }), ErrorCode::kInvalid);
  EXPECT_EQ(spoiled([](Pieces& p) { p.first = "0520"; }), ErrorCode::kInvalid);
  EXPECT_EQ(spoiled([](Pieces& p) { p.first = "051bffffffffffffffff"; }), ErrorCode::kInvalid);
  EXPECT_EQ(spoiled([](Pieces& p) { p.count = "0601"; }), ErrorCode::kInvalid);
  EXPECT_EQ(spoiled([](Pieces& p) { p.count = "0603"; }), ErrorCode::kInvalid);
  EXPECT_EQ(spoiled([](Pieces& p) { p.previous = "0740"; }), ErrorCode::kInvalid);
  EXPECT_EQ(spoiled([](Pieces& p) { p.time = "086161"; }), ErrorCode::kInvalid);
  EXPECT_EQ(spoiled([](Pieces& p) { p.records = "09a10102"; }), ErrorCode::kInvalid);
  EXPECT_EQ(spoiled([](Pieces& p) { p.records = "0aa0"; }), ErrorCode::kInvalid);
  EXPECT_EQ(spoiled([](Pieces& p) { p.records = "0980"; }), ErrorCode::kInvalid);
  EXPECT_EQ(spoiled([](Pieces& p) {
              p.head = "ab";
              p.more = "0aa0";
            }),
            ErrorCode::kInvalid);
  EXPECT_EQ(spoiled([](Pieces& p) {
              p.head = "a9";
              p.time = "";
            }),
            ErrorCode::kInvalid);
  EXPECT_EQ(spoiled([](Pieces& p) { std::swap(p.epoch, p.first); }), ErrorCode::kInvalid);
}

TEST(Block, RefusesABodyThatIsNoMap) {
  Pieces pieces;
  pieces.kind = "0102";
  pieces.count = "0600";
  pieces.records = "0a80";
  EXPECT_EQ(decode_error(pieces.bytes()), ErrorCode::kInvalid);
  pieces.records = "0aa0";
  EXPECT_TRUE(decode_block(pieces.bytes()));
}

// It would fill a gap in the sequences with nothing.
TEST(Block, RefusesACountInABlockWithoutRecords) {
  Pieces pieces;
  pieces.kind = "0104";
  pieces.records = "0aa0";
  EXPECT_EQ(decode_error(pieces.bytes()), ErrorCode::kInvalid) << "it counts two";
  pieces.count = "0600";
  EXPECT_TRUE(decode_block(pieces.bytes()));
}

TEST(Block, RefusesABlockOverItsLargestSize) {
  EXPECT_EQ(decode_error(Bytes(kMaxBlockBytes + 1)), ErrorCode::kOversize);
}

TEST(Block, HashIsSha256OverItsBytes) {
  EXPECT_EQ(to_hex(hash_block({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(hash_block(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace fluxrig::model
