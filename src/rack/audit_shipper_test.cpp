#include "rack/audit_shipper.hpp"

#include <cerrno>

#include "wal/test_lane.hpp"

namespace fluxrig::rack {
namespace {

using Sequences = std::vector<std::uint64_t>;

class AuditShipperTest : public ::testing::Test {
 protected:
  void SetUp() override { lane_.open(); }
  AuditShipper shipper(AuditShipper::Stretch stretch = {}) {
    return AuditShipper({lane_.disk, lane_.directory, lane_.writer->durable(), receipts_,
                         [this](const wal::Damage& damage) { damages_.push_back(damage); }},
                        stretch);
  }
  void append(std::uint32_t count, std::size_t bytes = 8) {
    ASSERT_TRUE(lane_.append(count, bytes));
    ASSERT_TRUE(lane_.writer->sync());
  }
  AuditShipper::Position position(std::uint64_t sequence) const {
    return {lane_.writer->epoch(), {sequence}};
  }
  MonotonicNanos now() const { return lane_.clock.monotonic(); }
  // Everything that it hands out, as sent.
  Sequences send_all(AuditShipper& shipper, std::size_t bytes = 24U << 10) {
    Sequences sequences;
    while (const auto* message = shipper.next(bytes, now())) {
      for (const auto& [epoch, range] : message->ranges)
        for (std::uint64_t i = range.first.value; i <= range.last.value; ++i) sequences.push_back(i);
      shipper.sent(now());
    }
    return sequences;
  }

  wal::TestLane lane_;
  wal::Receipts receipts_;
  std::vector<wal::Damage> damages_;
};

TEST_F(AuditShipperTest, TwoStretchesSideBySideHandOutEveryRecordOnce) {
  append(3);
  append(4);
  auto backlog = shipper({{}, position(8)});
  auto live = shipper({position(8)});
  append(2);
  EXPECT_EQ(send_all(live), (Sequences{8, 9}));
  EXPECT_EQ(send_all(backlog), (Sequences{1, 2, 3, 4, 5, 6, 7}));
  append(1);
  EXPECT_EQ(send_all(live), (Sequences{10}));
  EXPECT_TRUE(send_all(backlog).empty());
}

TEST_F(AuditShipperTest, AStretchThatIsExtendedGoesOnWhereItsOldEndWas) {
  append(3);
  append(4);
  append(2);
  auto backlog = shipper({{}, position(4)});
  EXPECT_EQ(send_all(backlog), (Sequences{1, 2, 3}));
  EXPECT_EQ(backlog.bytes_left(), 0U);
  backlog.extend(position(8));
  EXPECT_GT(backlog.bytes_left(), 0U);
  EXPECT_EQ(send_all(backlog), (Sequences{4, 5, 6, 7}));
  backlog.extend(position(10));
  backlog.acknowledged(true);
  EXPECT_FALSE(backlog.settled());
  EXPECT_EQ(send_all(backlog), (Sequences{8, 9}));
}

TEST_F(AuditShipperTest, KnowsWhatItHasPassed) {
  append(3);
  append(4);
  auto live = shipper({position(1)});
  ASSERT_NE(live.next(1, now()), nullptr);
  live.sent(now());  // the header
  EXPECT_FALSE(live.passed(position(4)));
  ASSERT_NE(live.next(1, now()), nullptr);
  EXPECT_FALSE(live.passed(position(4))) << "read is not handed out";
  live.sent(now());
  EXPECT_TRUE(live.passed(position(4)));
  EXPECT_FALSE(live.passed(position(5)));
  ASSERT_NE(live.next(1, now()), nullptr);
  EXPECT_TRUE(live.passed(position(4))) << "what is read since does not count";
  (void)send_all(live);
  EXPECT_TRUE(live.passed(position(8)));
  append(1);
  EXPECT_TRUE(live.passed(position(8)));
}

TEST_F(AuditShipperTest, TheBlocksWithoutRecordsAtTheBoundaryAreLeftOutByNeither) {
  append(3);
  ASSERT_TRUE(lane_.writer->rotate());  // a seal and a header stand where sequence 4 will be
  ASSERT_TRUE(lane_.writer->sync());
  auto backlog = shipper({{}, position(4)});
  auto live = shipper({position(4)});
  const auto kinds = [&](AuditShipper& one) {
    std::vector<model::BlockKind> found;
    const auto* message = one.next(24U << 10, now());
    cbor::Decoder items(message->payload);
    while (!items.at_end()) found.push_back(model::decode_block(*items.skip())->head.kind);
    return found;
  };
  using enum model::BlockKind;
  EXPECT_EQ(kinds(backlog), (std::vector{kHeader, kRecords, kSeal, kHeader}));
  EXPECT_EQ(kinds(live), (std::vector{kHeader}));
}

TEST_F(AuditShipperTest, KeepsAMessageToItsSizeByWholeBlocks) {
  for (int i = 0; i < 6; ++i) append(1, 400);
  auto all = shipper();
  const auto* message = all.next(1000, now());
  ASSERT_NE(message, nullptr);
  EXPECT_GE(message->payload.size(), 500U);
  EXPECT_LE(message->payload.size(), 1000U) << "no block that would make it larger";
  EXPECT_EQ(all.next(1000, now()), message) << "the same until it is sent";
  EXPECT_EQ(send_all(all, 1000), (Sequences{1, 2, 3, 4, 5, 6}));
  EXPECT_TRUE(all.caught_up());
}

TEST_F(AuditShipperTest, ABlockLargerThanAMessageGoesAlone) {
  append(1, 3000);
  append(1, 10);
  auto all = shipper();
  std::vector<std::size_t> sizes;
  while (const auto* message = all.next(1000, now())) {
    sizes.push_back(message->payload.size());
    all.sent(now());
  }
  ASSERT_EQ(sizes.size(), 3U) << "the header, the large one, and what follows";
  EXPECT_LT(sizes[0], 1000U);
  EXPECT_GT(sizes[1], 3000U);
  EXPECT_LT(sizes[2], 1000U);
}

TEST_F(AuditShipperTest, IsSettledOnlyWithReceiptsForEverythingAndNothingInFlight) {
  append(3);
  auto all = shipper();
  send_all(all);
  EXPECT_FALSE(all.settled());
  ASSERT_TRUE(receipts_.add(lane_.writer->epoch(), {{1}, {3}}));
  EXPECT_EQ(all.forget_receipted(), 3U);
  EXPECT_FALSE(all.settled()) << "the stream has not answered";
  all.acknowledged(true);
  EXPECT_TRUE(all.settled());
}

TEST_F(AuditShipperTest, AfterARefusalNothingGoesUntilTheOthersAreAnsweredAndAPauseIsOver) {
  for (int i = 0; i < 3; ++i) append(1, 400);
  auto all = shipper();
  EXPECT_EQ(send_all(all, 300), (Sequences{1, 2, 3}));
  all.acknowledged(false);
  EXPECT_FALSE(all.repair(now()));
  lane_.clock.advance(AuditShipper::kRetryAfter);
  EXPECT_EQ(all.next(300, now()), nullptr) << "the header and two records are still in flight";
  for (int i = 0; i < 3; ++i) all.acknowledged(true);
  EXPECT_FALSE(all.repair(now()));
  EXPECT_EQ(all.next(300, now()), nullptr) << "the pause begins with the last answer";
  lane_.clock.advance(AuditShipper::kRetryAfter);
  EXPECT_EQ(send_all(all, 300), (Sequences{1, 2, 3}));
}

TEST_F(AuditShipperTest, TellsHowManyBytesOfABacklogAreLeft) {
  while (lane_.writer->segment_count() < 4) append(1, 2000);
  const auto end = lane_.writer->next_sequence().value;
  auto backlog = shipper({{}, position(end)});
  std::uint64_t left = backlog.bytes_left();
  EXPECT_GT(left, 3U * wal::WriterOptions::kMinSegmentBytes);
  while (backlog.next(2000, now()) != nullptr) {
    backlog.sent(now());
    EXPECT_LT(backlog.bytes_left(), left);
    left = backlog.bytes_left();
  }
  EXPECT_EQ(backlog.bytes_left(), 0U);
  EXPECT_EQ(shipper().bytes_left(), 0U) << "without an end there is no backlog";
}

TEST_F(AuditShipperTest, WhatIsReadAndNotSentIsLeft) {
  append(1, 400);
  auto backlog = shipper({{}, position(2)});
  const auto* message = backlog.next(24U << 10, now());
  ASSERT_NE(message, nullptr);
  EXPECT_GE(backlog.bytes_left(), message->payload.size());
  backlog.sent(now());
  EXPECT_EQ(backlog.next(24U << 10, now()), nullptr);
  EXPECT_EQ(backlog.bytes_left(), 0U);
}

// The writer then has no segment of its own, and its limit stands behind all bytes of the last one there is.
TEST_F(AuditShipperTest, MeasuresABacklogWhileAFullLaneHasNoSegmentToWrite) {
  lane_.options.directory_bytes = 2 * lane_.options.segment_bytes;
  lane_.open();
  while (lane_.writer->append(wal::test_records(1, 1, 2000), 1)) ASSERT_TRUE(lane_.writer->sync());
  lane_.restart();
  ASSERT_TRUE(lane_.writer->recovered().segment_error);
  auto backlog = shipper({{}, position(1)});
  EXPECT_EQ(backlog.bytes_left(), lane_.writer->used_bytes());
  std::size_t sent = 0;
  for (; backlog.next(2000, now()) != nullptr; ++sent) {
    EXPECT_GT(backlog.bytes_left(), 0U) << "after " << sent << " messages there is another";
    backlog.sent(now());
  }
  EXPECT_GT(sent, 4U);
  EXPECT_EQ(backlog.bytes_left(), 0U);
}

// The pressure state leaves REPLAY when it reads zero, and a backlog that is left then is never sent.
TEST_F(AuditShipperTest, ABacklogThatTheDiskDoesNotMeasureIsNotCalledEmpty) {
  append(3);
  ASSERT_TRUE(lane_.writer->rotate());
  lane_.disk.fail_next(wal::MemoryDisk::Operation::kOpen, EIO);
  auto backlog = shipper({{}, position(4)});
  EXPECT_GT(backlog.bytes_left(), 0U);
  EXPECT_EQ(send_all(backlog), (Sequences{1, 2, 3}));
  EXPECT_EQ(backlog.bytes_left(), 0U);
}

TEST_F(AuditShipperTest, PassesOverDamageAndNamesIt) {
  append(2, 100);
  const auto second = lane_.writer->durable().get().offset;
  append(2, 100);
  append(2, 100);
  lane_.disk.content(lane_.newest())[second + 200] ^= 1U;
  auto all = shipper();
  EXPECT_EQ(send_all(all), (Sequences{1, 2, 5, 6}));
  ASSERT_EQ(damages_.size(), 1U);
  EXPECT_EQ(damages_[0].sequence, Sequence{3});
}

}  // namespace
}  // namespace fluxrig::rack
