// The link over a WAL on a memory disk and a bus that the test answers for.
#include "rack/link.hpp"

#include "model/record_codec.hpp"
#include "snake/subjects.hpp"
#include "wal/test_lane.hpp"

namespace fluxrig::rack {
namespace {

class FakeBus final : public snake::Bus {
 public:
  struct Published {
    snake::Outgoing message;
    snake::PublishDone done;
  };
  Result<void> publish_stream(snake::Outgoing message, snake::PublishDone done) override {
    if (!up) return fail(ErrorCode::kUnavailable, "not connected");
    streamed.push_back({std::move(message), std::move(done)});
    return {};
  }
  Result<void> publish(std::string_view subject, ByteView) override {
    plain.emplace_back(subject);
    return {};
  }
  Result<Bytes> request(std::string_view, ByteView, std::chrono::milliseconds) override {
    ++hellos;
    Bytes reply;
    model::encode(model::HelloReply{}, reply);
    return reply;
  }
  Result<std::unique_ptr<snake::Subscription>> subscribe(std::string_view,
                                                         snake::DeliveryHandler handler) override {
    receipts = std::move(handler);
    return std::make_unique<snake::Subscription>();
  }
  Result<void> acknowledge(std::string_view) override { return {}; }
  Result<void> redeliver_after(std::string_view, std::chrono::milliseconds) override { return {}; }
  Result<void> terminate(std::string_view) override { return {}; }
  bool connected() const noexcept override { return up; }
  std::size_t unacknowledged() const noexcept override { return streamed.size(); }

  // The stream takes, or refuses, everything that was published.
  void answer_all(bool taken) {
    for (auto& one : std::exchange(streamed, {})) {
      if (taken) {
        one.done(snake::PublishReceipt{});
      } else {
        one.done(fail(ErrorCode::kFull, "the stream is full"));
      }
    }
  }

  bool up = true;
  int hellos = 0;
  std::vector<Published> streamed;
  std::vector<std::string> plain;
  snake::DeliveryHandler receipts;
};

class LinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    lane_.open();
    if (HasFatalFailure()) return;
    telemetry_.begin_epoch(lane_.writer->epoch());
    link_ = std::make_unique<Link>(
        Link::Parts{bus_,
                    lane_.clock,
                    diagnostics_,
                    wal::test_machine(),
                    model::Hello{"edge", "0.1.0", lane_.writer->epoch(), {}, {}},
                    lane_.disk,
                    lane_.directory,
                    lane_.writer->durable(),
                    {},
                    telemetry_,
                    [this](const model::Receipt& receipt) { taken_.push_back(receipt); },
                    [] { return std::string("{}"); },
                    [this] { ++wakes_; },
                    connection_changed_,
                    [this] {
                      return AuditShipper::Position{lane_.writer->epoch(), lane_.writer->next_sequence()};
                    }});
  }
  void append(std::uint64_t first, std::uint32_t count) {
    ASSERT_TRUE(lane_.writer->append(wal::test_records(first, count), count));
    ASSERT_TRUE(lane_.writer->sync());
  }
  // The sequences that stand in the audit messages handed to the bus so far.
  std::vector<std::uint64_t> published_sequences() const {
    std::vector<std::uint64_t> sequences;
    for (const auto& one : bus_.streamed) {
      if (one.message.subject != snake::audit_subject(wal::test_machine())) continue;
      cbor::Decoder items(one.message.payload);
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
  [[nodiscard]] std::size_t telemetry_in_flight() const {
    std::size_t count = 0;
    for (const auto& one : bus_.streamed)
      count += one.message.subject == snake::telemetry_subject(wal::test_machine()) ? 1 : 0;
    return count;
  }
  void receipt(std::uint64_t first, std::uint64_t last) {
    Bytes bytes;
    model::encode(model::Receipt{model::Lane::kAudit, lane_.writer->epoch(), {{{first}, {last}}}}, bytes);
    bus_.receipts(snake::Delivery{"", "", {}, bytes});
  }

  wal::TestLane lane_;
  FakeBus bus_;
  Diagnostics diagnostics_{lane_.clock, 2, DiagnosticFormat::kText, Severity::kError};
  lane::DropCounters drops_;
  lane::TelemetryLedger ledger_;
  lane::TelemetryQueue telemetry_{lane_.clock, ledger_, drops_, {}};
  std::atomic<bool> connection_changed_{false};
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

TEST_F(LinkTest, FreshRecordsDoNotWaitBehindTheBacklog) {
  bus_.up = false;
  for (std::uint64_t i = 1; i <= 4 * Link::kBacklogWindow; ++i) {
    ASSERT_TRUE(lane_.writer->append(wal::test_records(i, 1, Link::kMessageBytes), 1));
    ASSERT_TRUE(lane_.writer->sync());
  }
  link_->turn();
  bus_.up = connection_changed_ = true;
  link_->turn();
  EXPECT_EQ(published_sequences().size(), Link::kBacklogWindow);
  const auto fresh = lane_.writer->next_sequence().value;
  append(fresh, 1);
  link_->turn();
  EXPECT_EQ(published_sequences().back(), fresh);
}

TEST_F(LinkTest, WhatTheMixersChainLacksIsSentAgainAlthoughItHasReceipts) {
  append(1, 3);
  link_->turn();
  bus_.answer_all(true);
  receipt(1, 3);
  link_->turn();
  model::Receipt lacking{model::Lane::kAudit, lane_.writer->epoch(), {{{1}, {3}}}};
  lacking.chain = model::Receipt::ChainHead{{1}, {}};
  Bytes bytes;
  model::encode(lacking, bytes);
  bus_.receipts(snake::Delivery{"", "", {}, bytes});
  link_->turn();
  EXPECT_TRUE(published_sequences().empty());
  link_->resend_chain();
  link_->turn();
  EXPECT_EQ(published_sequences(), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_F(LinkTest, KeepsTheWindowOfUnacknowledgedMessages) {
  for (std::uint64_t i = 1; i <= 4 * Link::kAuditWindow; ++i) {
    ASSERT_TRUE(lane_.writer->append(wal::test_records(i, 1, Link::kMessageBytes / 2), 1));
    ASSERT_TRUE(lane_.writer->sync());
  }
  link_->turn();
  EXPECT_EQ(bus_.streamed.size(), Link::kAuditWindow);
  bus_.answer_all(true);
  link_->turn();
  EXPECT_EQ(bus_.streamed.size(), Link::kAuditWindow);
}

TEST_F(LinkTest, SendsTelemetryAgainThatTheStreamDidNotTakeWithTheBytesThatItHad) {
  link_->turn();
  bus_.answer_all(true);  // what the audit lane begins with
  telemetry_.offer(model::Signal::kSpans, wal::test_records(1, 1));
  telemetry_.offer(model::Signal::kSpans, wal::test_records(2, 1));
  link_->turn(/*flush_telemetry=*/true);
  ASSERT_EQ(bus_.streamed.size(), 1U);
  const Bytes first = bus_.streamed[0].message.payload;
  bus_.answer_all(false);
  EXPECT_FALSE(link_->settled());
  link_->turn();
  EXPECT_TRUE(bus_.streamed.empty()) << "not before a pause";
  lane_.clock.advance(Link::kTelemetryRetry);
  link_->turn();
  ASSERT_EQ(bus_.streamed.size(), 1U);
  EXPECT_EQ(bus_.streamed[0].message.payload, first);
  bus_.answer_all(true);
  EXPECT_TRUE(link_->settled());
}

TEST_F(LinkTest, TelemetryWaitsInItsQueueWhileTheStreamIsFull) {
  const Bytes record = wal::test_records(1, 1, 30U << 10);  // a batch of its own
  for (std::size_t i = 0; i < 3 * Link::kTelemetryWindow; ++i)
    telemetry_.offer(model::Signal::kSpans, record);
  link_->turn();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(telemetry_in_flight(), Link::kTelemetryWindow);
    bus_.answer_all(false);
    link_->turn();  // notes the refusal
    lane_.clock.advance(Link::kTelemetryRetry);
    link_->turn();
  }
  EXPECT_EQ(telemetry_.queued_bytes(), 2 * Link::kTelemetryWindow * record.size());
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
  bus_.receipts(snake::Delivery{"", "", {}, {0xff, 0x00}});
  link_->turn();
  EXPECT_FALSE(link_->settled());
  EXPECT_TRUE(taken_.empty());
}

}  // namespace
}  // namespace fluxrig::rack
