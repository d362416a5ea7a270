// Telemetry on the link: beside the audit lane, on the disk when the bus is away, and at the end.
#include "rack/link_fixture.hpp"

namespace fluxrig::rack {
namespace {

TEST_F(LinkTest, BesideALongBacklogFreshTelemetryFlowsAndNeitherStarvesTheOther) {
  come_back_with(300, 100U << 20);
  run(1);
  ASSERT_EQ(state(), model::PressureState::kReplay);
  // A link that carries a piece in 5 ms, and more of both than that.
  bus_.history.clear();
  for (int turn = 0; turn < 400; ++turn) {
    for (std::uint64_t i = 0; i < 4; ++i)
      telemetry_.offer(model::Signal::kSpans, wal::test_records(i + 1, 1, 4'000));
    if (!bus_.streamed.empty()) bus_.answer(snake::PublishReceipt{});
    lane_.clock.advance(5 * kNanosPerMilli);
    link_->turn();
  }
  std::size_t audit = 0, telemetry = 0;
  for (const auto& message : bus_.history)
    (message.subject == snake::audit_subject(wal::test_machine()) ? audit : telemetry) +=
        message.payload.size();
  ASSERT_EQ(state(), model::PressureState::kReplay) << "the backlog has not ended";
  EXPECT_GT(telemetry, (audit + telemetry) / 3);
  EXPECT_GT(audit, (audit + telemetry) / 3);
}

TEST_F(LinkTest, WhatIsInFlightIsBounded) {
  for (std::uint64_t i = 1; i <= 400; ++i) append(i, 1, 12'000);
  for (int i = 0; i < 20; ++i) {
    lane_.clock.advance(100 * kNanosPerMilli);
    link_->turn();
  }
  std::size_t in_flight = 0;
  for (const auto& one : bus_.streamed) in_flight += one.message.payload.size();
  EXPECT_GT(in_flight, 0U);
  EXPECT_LE(in_flight, (2U << 20) + (24U << 10));
}

TEST_F(LinkTest, TelemetryThatTheStreamDidNotTakeComesBackWithTheBytesThatItHad) {
  link_->turn();
  bus_.answer_all(true);  // what the audit lane begins with
  telemetry_.offer(model::Signal::kSpans, wal::test_records(1, 1));
  telemetry_.offer(model::Signal::kSpans, wal::test_records(2, 1));
  link_->turn(/*flush_telemetry=*/true);
  ASSERT_EQ(bus_.streamed.size(), 1U);
  const auto first = bus_.streamed[0].message.payload;
  bus_.answer_all(false);
  link_->turn();
  EXPECT_FALSE(backlog_->empty()) << "on disk until the stream has it";
  for (int i = 0; i < 200 && bus_.streamed.empty(); ++i) {
    lane_.clock.advance(100 * kNanosPerMilli);
    link_->turn();
  }
  ASSERT_EQ(bus_.streamed.size(), 1U);
  EXPECT_EQ(bus_.streamed[0].message.payload, first);
  bus_.answer_all(true);
  link_->turn();
  EXPECT_TRUE(backlog_->empty());
}

TEST_F(LinkTest, InDivertAllTelemetryGoesToTheDiskAndComesBackByItself) {
  using State = model::PressureState;
  link_->turn();
  lease(2);
  run(1);
  ASSERT_EQ(state(), State::kDivert);
  bus_.answer_all(true);
  for (std::uint64_t i = 1; i <= 30; ++i)
    telemetry_.offer(model::Signal::kSpans, wal::test_records(i, 1, 5'000));
  append(1, 3);
  run(2);
  EXPECT_TRUE(bus_.streamed.empty());
  EXPECT_EQ(telemetry_.queued_bytes(), 0U);
  EXPECT_FALSE(backlog_->empty());
  lease(0);
  bus_.history.clear();
  run(30);
  EXPECT_EQ(state(), State::kNormal);
  EXPECT_TRUE(backlog_->empty());
  EXPECT_EQ(sent_sequences(), (std::vector<std::uint64_t>{1, 2, 3}));
  ASSERT_EQ(transitions_.size(), 3U);
  EXPECT_EQ(transitions_[0].to, State::kDivert);
  EXPECT_EQ(transitions_[1].to, State::kReplay);
  EXPECT_EQ(transitions_[2].to, State::kNormal);
}

TEST_F(LinkTest, WhatTheStreamRefusesOfTheBacklogStaysOnTheDiskAndIsSentAgain) {
  link_->turn();
  lease(2);
  run(1);
  ASSERT_EQ(state(), model::PressureState::kDivert);
  for (std::uint64_t i = 1; i <= 30; ++i)
    telemetry_.offer(model::Signal::kSpans, wal::test_records(i, 1, 5'000));
  run(2);
  ASSERT_FALSE(backlog_->empty());
  lease(0);
  const auto blocks = backlog_->blocks();
  bus_.history.clear();
  for (int i = 0; i < 200; ++i) {
    bus_.answer_all(false);
    lane_.clock.advance(100 * kNanosPerMilli);
    link_->turn();
  }
  EXPECT_FALSE(bus_.history.empty());
  EXPECT_EQ(backlog_->blocks(), blocks);
  run(30);
  EXPECT_TRUE(backlog_->empty());
}

TEST_F(LinkTest, AtTheEndWithoutABacklogTheRecordsThatGoAreCounted) {
  TelemetryShipper shipper({telemetry_, nullptr, wal::test_machine()});
  telemetry_.offer(model::Signal::kSpans, wal::test_records(1, 1));
  ASSERT_NE(shipper.next_live(/*flush=*/true, lane_.clock.monotonic()), nullptr);
  telemetry_.offer(model::Signal::kSpans, wal::test_records(2, 1));
  telemetry_.offer(model::Signal::kSpans, wal::test_records(3, 1));
  EXPECT_EQ(shipper.finish().value(), 3U);
  EXPECT_EQ(telemetry_.queued_bytes(), 0U);
}

// A rack that is stopped while the bus is slow: nothing of it is lost, and the mixer knows what it has twice.
TEST_F(LinkTest, AtTheEndTelemetryInMemoryAndInFlightIsOnTheDisk) {
  link_->turn();
  bus_.answer_all(true);
  telemetry_.offer(model::Signal::kSpans, wal::test_records(1, 1));
  link_->turn(/*flush_telemetry=*/true);
  ASSERT_EQ(bus_.streamed.size(), 1U) << "in flight";
  telemetry_.offer(model::Signal::kSpans, wal::test_records(2, 1));
  link_->finish();
  EXPECT_EQ(telemetry_.queued_bytes(), 0U);
  link_.reset();
  backlog_.reset();
  lane_.disk.crash(random_);  // what is not synced is gone
  auto again = lane::TelemetryBacklog::open({lane_.disk, lane_.clock, ledger_, drops_, "telemetry",
                                             wal::test_machine(), "edge", "0.1.0",
                                             lane::TelemetryBacklog::kMinBytes, 0});
  ASSERT_TRUE(again) << again.error().message;
  std::uint64_t records = 0;
  for (auto item = (*again)->next(); item && *item; item = (*again)->next()) records += (**item).block.count;
  EXPECT_EQ(records, 2U);
}

}  // namespace
}  // namespace fluxrig::rack
