#include "rack/link.hpp"

#include <functional>
#include <vector>

#include "rack/link_fixture.hpp"

namespace fluxrig::rack {
namespace {

TEST_F(LinkTest, SendsManySmallBlocksInOneMessage) {
  for (std::uint64_t i = 1; i <= 10; ++i) append(i, 1);
  link_->turn();
  EXPECT_EQ(bus_.streamed.size(), 1U);
  EXPECT_EQ(published_sequences(), (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

TEST_F(LinkTest, SendsOnlyWhatIsOnDisk) {
  append(1, 3);
  ASSERT_TRUE(lane_.writer->append(wal::test_records(4, 1), 1));
  link_->turn();
  EXPECT_EQ(published_sequences(), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_F(LinkTest, IsSettledOnlyAfterTheMixersReceiptNotAfterTheStreams) {
  append(1, 3);
  link_->turn();
  bus_.answer_all(true);
  link_->turn();
  EXPECT_FALSE(link_->settled());
  receipt(1, 3);
  link_->turn();
  EXPECT_TRUE(link_->settled());
  ASSERT_EQ(taken_.size(), 1U);
  EXPECT_EQ(link_->counters().audit_records_receipted.load(), 3U);
}

TEST_F(LinkTest, InDivertIsNotSettledWhileRecordsOnDiskAreUnsent) {
  append(1, 3);
  link_->turn();
  bus_.answer_all(true);
  receipt(1, 3);
  link_->turn();
  ASSERT_TRUE(link_->settled());
  link_->force(pressure::Forced{model::PressureState::kDivert, {INT64_MAX}});
  append(4, 1);
  EXPECT_FALSE(link_->settled()) << "before a turn";
  link_->turn();
  EXPECT_EQ(state(), model::PressureState::kDivert);
  EXPECT_FALSE(link_->settled());
}

TEST_F(LinkTest, WithoutABusIsNotSettledWhileRecordsOnDiskAreUnsent) {
  append(1, 3);
  link_->turn();
  bus_.answer_all(true);
  receipt(1, 3);
  link_->turn();
  ASSERT_TRUE(link_->settled());
  bus_.up = false;
  connection_changed_ = true;
  append(4, 1);
  link_->turn();
  EXPECT_FALSE(link_->settled());
}

TEST_F(LinkTest, SendsAgainWhatTheStreamRefused) {
  append(1, 3);
  link_->turn();
  bus_.answer_all(false);
  link_->turn();
  EXPECT_TRUE(bus_.streamed.empty()) << "not before a pause";
  lane_.clock.advance(AuditShipper::kRetryAfter);
  link_->turn();
  EXPECT_EQ(published_sequences(), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_F(LinkTest, SendsAgainWhatHasNoReceiptForALongTime) {
  append(1, 3);
  link_->turn();
  bus_.answer_all(true);
  lane_.clock.advance(AuditShipper::kReceiptPatience);
  link_->turn();
  EXPECT_EQ(published_sequences(), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(link_->counters().audit_resends.load(), 1U);
}

TEST_F(LinkTest, PassesOverWhatHasItsReceipt) {
  append(1, 3);
  link_->turn();
  bus_.answer_all(true);
  receipt(1, 2);
  link_->turn();
  append(4, 2);
  lane_.clock.advance(AuditShipper::kReceiptPatience);
  link_->turn();
  // The block of 1 to 3 has no whole receipt, so it goes again whole: the mixer's ledger knows 1 and 2.
  EXPECT_EQ(published_sequences(), (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
}

TEST_F(LinkTest, KeepsWhatTheBusCouldNotTakeWhileDisconnected) {
  append(1, 2);
  bus_.up = false;
  link_->turn();
  EXPECT_TRUE(bus_.streamed.empty());
  bus_.up = true;
  link_->turn();
  EXPECT_EQ(published_sequences(), (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(LinkTest, AfterAnOutageFreshRecordsGoFirstAndTheBacklogInsideItsBudget) {
  using State = model::PressureState;
  link_->turn();
  bus_.up = false;
  for (std::uint64_t i = 1; i <= 50; ++i) append(i, 1, 20'000);
  run(3);
  EXPECT_EQ(state(), State::kDivert);
  bus_.up = connection_changed_ = true;
  run(9);
  lease(0, 100'000);
  EXPECT_EQ(state(), State::kReplay);
  EXPECT_EQ(segments_begun_, 1);
  EXPECT_LT(sent_bytes(), 1'000'000U) << "not all at once";
  append(51, 1);
  bus_.answer_all(true);
  link_->turn();
  EXPECT_EQ(published_sequences().front(), 51U);
  const auto before = sent_bytes();
  run(5);
  EXPECT_LT(sent_bytes() - before, 5U * 100'000 + 50'000);
  run(20);
  EXPECT_GE(sent_bytes(), 50U * 20'000);
  EXPECT_EQ(state(), State::kNormal) << "the backlog has ended";
}

TEST_F(LinkTest, FreshRecordsDoNotQueueForLongBehindOlderOnesOnAPathThatIsTooNarrow) {
  link_->turn();
  lease(1, 1U << 20, /*pace=*/20'000);
  run(1);
  ASSERT_EQ(state(), model::PressureState::kRestrict);
  constexpr std::uint64_t kRecords = 200;  // in 20 s, each of 5 kB: two and a half times the pace
  for (std::uint64_t i = 1; i <= kRecords; ++i) {
    append(i, 1, 5'000);
    bus_.answer_all(true);
    lane_.clock.advance(100 * kNanosPerMilli);
    link_->turn();
  }
  const auto fresh = sent_sequences();
  EXPECT_LT(fresh.size(), kRecords / 2 + 20) << "it kept to the pace";
  EXPECT_GT(fresh.back(), kRecords - 40) << "what is sent is at most so old";

  lease(0);
  run(30);
  auto all = sent_sequences();
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  EXPECT_EQ(all.size(), kRecords);
}

TEST_F(LinkTest, WhatTheMixersChainLacksIsSentAgainAlthoughItHasReceipts) {
  append(1, 3);
  link_->turn();
  bus_.answer_all(true);
  model::Receipt lacking{model::Lane::kAudit, lane_.writer->epoch(), {{{1}, {3}}}};
  lacking.chain = model::Receipt::ChainHead{{1}, {}};
  Bytes bytes;
  model::encode(lacking, bytes);
  bus_.handlers[snake::receipt_subject(wal::test_machine())](snake::Delivery{"", "", {}, bytes});
  link_->turn();
  EXPECT_TRUE(published_sequences().empty());
  EXPECT_TRUE(link_->resend_chain());
  bus_.history.clear();
  run(10);
  EXPECT_EQ(sent_sequences(), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_F(LinkTest, WhileTheBacklogIsOnItsWayTheChainIsNotSentAgain) {
  come_back_with(50, 100'000);
  append(51, 1);
  run(1);
  ASSERT_EQ(state(), model::PressureState::kReplay);
  receipt(51, 51);  // the mixer has it, and its chain lacks what is older
  run(1);
  EXPECT_FALSE(link_->resend_chain());
  bus_.history.clear();
  run(30);
  const auto sent = sent_sequences();
  EXPECT_EQ(std::count(sent.begin(), sent.end(), 51U), 0);
  receipt(1, 50);
  run(1);
  EXPECT_TRUE(link_->resend_chain());
}

TEST_F(LinkTest, TheHeartbeatTellsHowTheRackStands) {
  link_->turn();
  lease(2);
  append(1, 3, 1000);
  run(6);
  ASSERT_FALSE(bus_.plain.empty());
  const auto heartbeat = model::decode_heartbeat(bus_.plain.back().second);
  ASSERT_TRUE(heartbeat && heartbeat->pressure);
  EXPECT_EQ(heartbeat->pressure->state, model::PressureState::kDivert);
  EXPECT_EQ(heartbeat->pressure->cause, "sink_errors");
}

TEST_F(LinkTest, SaysHelloOnceForEachConnection) {
  link_->turn();
  lane_.clock.advance(Link::kHelloEvery);
  link_->turn();
  EXPECT_EQ(bus_.hellos, 1);
  connection_changed_ = true;
  lane_.clock.advance(Link::kHelloEvery);
  link_->turn();
  EXPECT_EQ(bus_.hellos, 2);
}

TEST_F(LinkTest, ALeaseThatSaysNothingNewWakesNobodyAndIsFollowedAllTheSame) {
  link_->turn();
  lease(0);
  const int after_the_first = wakes_;
  EXPECT_GE(after_the_first, 1);
  run(1);
  lane_.clock.advance(50 * kNanosPerSecond);  // of the 60 for which it is valid
  const int before = wakes_;
  lease(0);
  EXPECT_EQ(wakes_, before);
  EXPECT_TRUE(link_->has_news());
  lane_.clock.advance(50 * kNanosPerSecond);
  link_->turn();
  EXPECT_EQ(state(), model::PressureState::kNormal);  // by the second one, from when it came
  lane_.clock.advance(11 * kNanosPerSecond);
  link_->turn();
  EXPECT_EQ(state(), model::PressureState::kDivert);
}

TEST_F(LinkTest, ALeaseOfAnotherLevelBudgetOrPaceWakesTheLink) {
  link_->turn();
  lease(0);
  for (const auto& another :
       std::vector<std::function<void()>>{[this] { lease(1); }, [this] { lease(1, 5); },
                                          [this] { lease(1, 5, 1'000); }, [this] { lease(0); }}) {
    const int before = wakes_;
    another();
    EXPECT_EQ(wakes_, before + 1);
  }
}

TEST_F(LinkTest, IgnoresReceiptsThatAreNoReceipts) {
  append(1, 1);
  link_->turn();
  bus_.handlers[snake::receipt_subject(wal::test_machine())](snake::Delivery{"", "", {}, {0xff, 0x00}});
  link_->turn();
  EXPECT_FALSE(link_->settled());
  EXPECT_TRUE(taken_.empty());
}

}  // namespace
}  // namespace fluxrig::rack
