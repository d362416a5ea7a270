// The link over a WAL on a memory disk and a bus that the test answers for.
#include "rack/link.hpp"

#include "model/record_codec.hpp"
#include "rack/fake_bus.hpp"
#include "snake/subjects.hpp"
#include "wal/test_lane.hpp"

namespace fluxrig::rack {
namespace {

class LinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    lane_.open();
    if (HasFatalFailure()) return;
    telemetry_.begin_epoch(lane_.writer->epoch());
    auto backlog = lane::TelemetryBacklog::open({lane_.disk, lane_.clock, ledger_, drops_, "telemetry",
                                                 wal::test_machine(), "edge", "0.1.0",
                                                 lane::TelemetryBacklog::kMinBytes, 0});
    ASSERT_TRUE(backlog) << backlog.error().message;
    backlog_ = *std::move(backlog);
    link_ = std::make_unique<Link>(
        Link::Parts{bus_,
                    lane_.clock,
                    random_,
                    diagnostics_,
                    wal::test_machine(),
                    model::Hello{"edge", "0.1.0", lane_.writer->epoch(), {}, {}},
                    lane_.disk,
                    lane_.directory,
                    lane_.writer->durable(),
                    {},
                    telemetry_,
                    backlog_.get(),
                    [this](const model::Receipt& receipt) { taken_.push_back(receipt); },
                    [] { return std::string("{}"); },
                    [this] { ++wakes_; },
                    connection_changed_,
                    [this] {
                      return AuditShipper::Position{lane_.writer->epoch(), lane_.writer->next_sequence()};
                    },
                    {},
                    [this] { ++segments_begun_; },
                    [this](const pressure::Transition& one) { transitions_.push_back(one); }});
  }
  void append(std::uint64_t first, std::uint32_t count, std::size_t bytes = 8) {
    ASSERT_TRUE(lane_.writer->append(wal::test_records(first, count, bytes), count));
    ASSERT_TRUE(lane_.writer->sync());
  }
  // The sequences in the audit messages that the bus was given, or that it has not answered.
  std::vector<std::uint64_t> sent_sequences() const { return sequences_in(bus_.history); }
  std::vector<std::uint64_t> published_sequences() const {
    std::vector<snake::Outgoing> waiting;
    for (const auto& one : bus_.streamed) waiting.push_back(one.message);
    return sequences_in(waiting);
  }
  static std::vector<std::uint64_t> sequences_in(const std::vector<snake::Outgoing>& messages) {
    std::vector<std::uint64_t> sequences;
    for (const auto& message : messages) {
      if (message.subject != snake::audit_subject(wal::test_machine())) continue;
      cbor::Decoder items(message.payload);
      while (!items.at_end()) {
        const auto item = items.skip();
        EXPECT_TRUE(item);
        if (!item) return sequences;
        const auto block = model::decode_block(*item);
        EXPECT_TRUE(block);
        for (std::uint32_t i = 0; block && i < block->head.count; ++i)
          sequences.push_back(block->head.first.value + i);
      }
    }
    return sequences;
  }
  std::size_t sent_bytes() const {
    std::size_t bytes = 0;
    for (const auto& message : bus_.history) bytes += message.payload.size();
    return bytes;
  }
  void receipt(std::uint64_t first, std::uint64_t last) {
    Bytes bytes;
    model::encode(model::Receipt{model::Lane::kAudit, lane_.writer->epoch(), {{{first}, {last}}}}, bytes);
    bus_.handlers[snake::receipt_subject(wal::test_machine())](snake::Delivery{"", "", {}, bytes});
  }

  void lease(std::uint8_t level, std::uint64_t replay_bytes_per_s = 1U << 20,
             std::optional<std::uint64_t> pace = std::nullopt) {
    model::PressureLease lease;
    lease.mixer_started = {1};
    lease.sequence = ++lease_;
    lease.level = level;
    lease.cause = level == 0 ? model::PressureCause::kNone : model::PressureCause::kSinkErrors;
    lease.replay_bytes_per_s = replay_bytes_per_s;
    lease.pace_bytes_per_s = pace;
    lease.lease_ms = 60'000;
    Bytes bytes;
    model::encode(lease, bytes);
    bus_.handlers[snake::pressure_subject(wal::test_machine())](snake::Delivery{"", "", {}, bytes});
  }
  // Turns every 100 ms; the stream takes everything, except what the last turn publishes.
  void run(int seconds) {
    for (int i = 0; i < 10 * seconds; ++i) {
      bus_.answer_all(true);
      lane_.clock.advance(100 * kNanosPerMilli);
      link_->turn();
    }
  }
  // An outage in which blocks 1 to `blocks` of 20 kB are written; then the bus is back and the lease allows
  // so much.
  void come_back_with(std::uint64_t blocks, std::uint64_t replay_bytes_per_s) {
    link_->turn();
    bus_.up = false;
    for (std::uint64_t i = 1; i <= blocks; ++i) append(i, 1, 20'000);
    run(3);
    bus_.up = connection_changed_ = true;
    run(9);
    lease(0, replay_bytes_per_s);
  }
  model::PressureState state() const { return link_->pressure().state(); }

  wal::TestLane lane_;
  FakeBus bus_;
  SeededRandom random_{1};
  std::uint64_t lease_ = 0;
  Diagnostics diagnostics_{lane_.clock, 2, DiagnosticFormat::kText, Severity::kError};
  lane::DropCounters drops_;
  lane::TelemetryLedger ledger_;
  lane::TelemetryQueue telemetry_{lane_.clock, ledger_, drops_, {}};
  std::unique_ptr<lane::TelemetryBacklog> backlog_;
  std::atomic<bool> connection_changed_{false};
  std::vector<pressure::Transition> transitions_;
  int segments_begun_ = 0;
  std::vector<model::Receipt> taken_;
  int wakes_ = 0;
  std::unique_ptr<Link> link_;
};

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
  const Bytes first = bus_.streamed[0].message.payload;
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
