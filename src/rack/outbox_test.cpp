#include "rack/outbox.hpp"

#include <gtest/gtest.h>

#include "rack/fake_bus.hpp"
#include "sanitize/test_clean_bytes.hpp"

namespace fluxrig::rack {
namespace {

class OutboxTest : public ::testing::Test {
 protected:
  bool send(std::size_t bytes, Flow flow = Flow::kLiveAudit) {
    return outbox_->send({flow, "flux.audit.x", sanitize::TestBytes::of(Bytes(bytes, 7)),
                          [this](bool taken) { done_.push_back(taken); }});
  }

  ManualClock clock_;
  FakeBus bus_;
  int wakes_ = 0;
  std::vector<bool> done_;
  std::shared_ptr<DelayLog> business_ = std::make_shared<DelayLog>();
  std::unique_ptr<Outbox> outbox_ = std::make_unique<Outbox>(
      bus_, clock_, [this] { ++wakes_; }, business_);
};

TEST_F(OutboxTest, TellsEachPiecesOutcomeOnceInTheTurnOfTheLink) {
  ASSERT_TRUE(send(100));
  ASSERT_TRUE(send(100, Flow::kLiveTelemetry));
  EXPECT_EQ(outbox_->in_flight(Flow::kLiveAudit), 1U);
  bus_.answer(snake::PublishReceipt{});
  bus_.answer(fail(ErrorCode::kFull, "the stream is full"));
  EXPECT_TRUE(done_.empty()) << "not on the bus's thread";
  outbox_->settle();
  EXPECT_EQ(done_, (std::vector<bool>{true, false}));
  EXPECT_TRUE(outbox_->empty());
  outbox_->settle();
  EXPECT_EQ(done_.size(), 2U);
}

TEST_F(OutboxTest, APieceThatTheBusDoesNotTakeIsNotInFlight) {
  bus_.up = false;
  EXPECT_FALSE(send(100));
  EXPECT_TRUE(outbox_->empty());
  EXPECT_EQ(outbox_->window().in_flight_bytes(), 0U);
}

TEST_F(OutboxTest, AtItsEndWhatIsInFlightWasNotTaken) {
  ASSERT_TRUE(send(100) && send(100));
  outbox_->abandon();
  EXPECT_EQ(done_, (std::vector<bool>{false, false}));
  EXPECT_TRUE(outbox_->empty());
  bus_.answer(snake::PublishReceipt{});
  outbox_->settle();
  EXPECT_EQ(done_.size(), 2U) << "told once";
}

TEST_F(OutboxTest, ARefusalWakesTheLinkAndTheLastAcknowledgementToo) {
  ASSERT_TRUE(send(100) && send(100) && send(100));
  bus_.answer(snake::PublishReceipt{});
  EXPECT_EQ(wakes_, 0) << "others are in flight, and there is room";
  bus_.answer(fail(ErrorCode::kFull, "the stream is full"));
  EXPECT_EQ(wakes_, 1);
  bus_.answer(snake::PublishReceipt{});
  EXPECT_EQ(wakes_, 2);
}

TEST_F(OutboxTest, WhoStoppedAtTheWindowIsWokenByTheNextAcknowledgement) {
  while (outbox_->has_room(outbox_->chunk_bytes())) {
    ASSERT_TRUE(send(outbox_->chunk_bytes()));
    ASSERT_LT(bus_.streamed.size(), 10'000U) << "the window is bounded";
  }
  ASSERT_GE(bus_.streamed.size(), 1U);
  ASSERT_TRUE(send(1));  // so that the next one is not the last
  clock_.advance(kNanosPerMilli);
  bus_.answer(snake::PublishReceipt{});
  EXPECT_EQ(wakes_, 1);
}

TEST_F(OutboxTest, OnANarrowLinkItIsLookedAtAgainWhenTheNextPieceHasItsTurn) {
  ASSERT_TRUE(send(outbox_->chunk_bytes()));
  clock_.advance(50 * kNanosPerMilli);
  bus_.answer(snake::PublishReceipt{});
  outbox_->settle();
  ASSERT_TRUE(outbox_->window().narrow());
  while (outbox_->has_room(outbox_->chunk_bytes())) ASSERT_TRUE(send(outbox_->chunk_bytes()));
  ASSERT_TRUE(outbox_->next_send());
  EXPECT_EQ(*outbox_->look_again(), *outbox_->next_send());
  EXPECT_EQ(*outbox_->next_send(), outbox_->window().next_send()) << "not a moment before";
  clock_.advance(outbox_->next_send()->value - clock_.monotonic().value);
  while (outbox_->has_room(outbox_->chunk_bytes())) ASSERT_TRUE(send(outbox_->chunk_bytes()));
  EXPECT_TRUE(outbox_->look_again()) << "soon, for an outcome or the next turn";
  outbox_->settle();
  EXPECT_FALSE(outbox_->look_again()) << "nobody has asked since";
}

TEST_F(OutboxTest, NoAnswerInTimeIsAStallAndARefusalIsNot) {
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(send(100));
    clock_.advance(10 * kNanosPerMilli);
    bus_.answer(snake::PublishReceipt{});
    outbox_->settle();
  }
  ASSERT_TRUE(send(100));
  clock_.advance(5 * kNanosPerSecond);
  EXPECT_EQ(outbox_->reading().level, 2) << "in flight, and nothing comes";
  bus_.answer(fail(ErrorCode::kFull, "the stream is full"));
  outbox_->settle();
  EXPECT_LT(outbox_->reading().level, 2) << "it answers";
  ASSERT_TRUE(send(100));
  clock_.advance(5 * kNanosPerSecond);
  bus_.answer(fail(ErrorCode::kTimeout, "no answer"));
  outbox_->settle();
  EXPECT_EQ(outbox_->reading().level, 2);
}

TEST_F(OutboxTest, AQueueThatABusinessMessageMetMakesTheWindowSmaller) {
  for (int i = 0; i < 50; ++i) {
    while (outbox_->has_room(outbox_->chunk_bytes())) ASSERT_TRUE(send(outbox_->chunk_bytes()));
    clock_.advance(10 * kNanosPerMilli);
    bus_.answer_all(true);
    outbox_->settle();
  }
  while (outbox_->has_room(outbox_->chunk_bytes())) ASSERT_TRUE(send(outbox_->chunk_bytes()));
  const auto before = outbox_->window().window_bytes();
  for (int i = 0; i < 8; ++i) {
    clock_.advance(10 * kNanosPerMilli);
    business_->add({500, 200 * kNanosPerMilli, clock_.monotonic()});
    outbox_->settle();
  }
  EXPECT_LT(outbox_->window().window_bytes(), before);
}

TEST_F(OutboxTest, CallbacksMayComeAfterItsEnd) {
  ASSERT_TRUE(send(100));
  outbox_.reset();
  bus_.answer(snake::PublishReceipt{});
  EXPECT_EQ(wakes_, 0);
  EXPECT_TRUE(done_.empty());
}

}  // namespace
}  // namespace fluxrig::rack
