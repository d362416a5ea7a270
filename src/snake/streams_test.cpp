#include "snake/streams.hpp"

#include "snake/dead_letters.hpp"
#include "snake/nats_native.hpp"
#include "snake/pull_consumer.hpp"
#include "snake/subjects.hpp"
#include "snake/test_server.hpp"

namespace fluxrig::snake {
namespace {

using testing::Mailbox;
using testing::outgoing;
using testing::publish_and_wait;
using testing::TestServer;

constexpr StreamSizes kSmall{.message_bytes = 64 << 20,
                             .audit_bytes = 1 << 20,
                             .telemetry_bytes = 1 << 20,
                             .dead_letter_bytes = 8 << 20,
                             .advisory_bytes = 1 << 20};

class StreamsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_.start();
    mixer_ = server_.mixer();
    TestServer::must(StreamAdmin(*mixer_).ensure_streams(kSmall));
  }
  std::uint64_t messages_in(std::string_view stream) {
    const auto fills = StreamAdmin(*mixer_).fill();
    TestServer::must(fills);
    for (const auto& fill : *fills)
      if (fill.name == stream) return fill.messages;
    ADD_FAILURE() << "no stream " << stream;
    return 0;
  }
  // Waits for letters, at most as long as a test may take.
  std::size_t collect(DeadLetterCollector& collector) {
    const auto end = std::chrono::steady_clock::now() + testing::kPatience;
    while (std::chrono::steady_clock::now() < end) {
      const auto got = collector.collect(std::chrono::milliseconds(1000));
      if (got && *got > 0) return *got;
    }
    return 0;
  }
  Delivery only_dead_letter() {
    auto reader = PullConsumer::open(
        *mixer_, {.stream = std::string(kStreamDeadLetters), .durable = "t", .filter = {}});
    TestServer::must(reader);
    const auto letters = (*reader)->fetch(10, std::chrono::milliseconds(1000));
    if (!letters || letters->size() != 1) {
      ADD_FAILURE() << "not one dead letter";
      return {};
    }
    return letters->front();
  }

  TestServer server_;
  std::unique_ptr<NatsBus> mixer_;
};

TEST_F(StreamsTest, AreMadeOnceAndChangedWhenTheirSettingsDiffer) {
  StreamAdmin admin(*mixer_);
  TestServer::must(admin.ensure_streams(kSmall));
  auto larger = kSmall;
  larger.audit_bytes = 2 << 20;
  TestServer::must(admin.ensure_streams(larger));
  const auto fills = admin.fill();
  TestServer::must(fills);
  ASSERT_EQ(fills->size(), 5U);
  EXPECT_EQ((*fills)[1].name, "FLUX_AUDIT");
  EXPECT_EQ((*fills)[1].max_bytes, 2 << 20);
}

TEST_F(StreamsTest, CopiesThatASingleServerCannotKeepAreAnErrorThatSaysSo) {
  StreamAdmin admin(*mixer_);
  auto copies = kSmall;
  copies.replicas = 3;
  const auto changed = admin.ensure_streams(copies);
  ASSERT_FALSE(changed);
  EXPECT_NE(changed.error().message.find("it is a single one, and 'streams.replicas' asks for 3 copies"),
            std::string::npos)
      << changed.error().message;
  TestServer::must(admin.ensure_streams(kSmall));
}

// What a full stream dropped by itself nobody would count: docs/adr/0012.
TEST_F(StreamsTest, AuditAndTelemetryRefuseNewBlocksWhenFull) {
  auto edge = server_.edge_bus();
  const std::string block(200'000, 'x');
  for (const auto& subject : {audit_subject(server_.edge), telemetry_subject(server_.edge)}) {
    Result<PublishReceipt> last;
    int stored = -1;
    for (; stored < 8 && last; ++stored) last = publish_and_wait(*edge, outgoing(subject, block));
    ASSERT_FALSE(last.has_value()) << subject;
    EXPECT_EQ(last.error().code, ErrorCode::kFull);
    EXPECT_EQ(messages_in(subject.starts_with("flux.audit") ? kStreamAudit : kStreamTelemetry),
              static_cast<std::uint64_t>(stored));
  }
}

// Of a version that let telemetry push itself out.
TEST_F(StreamsTest, AnExistingTelemetryStreamIsMadeToRefuseAndKeepsWhatItHolds) {
  auto edge = server_.edge_bus();
  ASSERT_TRUE(publish_and_wait(*edge, outgoing(telemetry_subject(server_.edge), "kept")));
  auto* jetstream = mixer_->native().jetstream.get();
  const auto settings = [&] {
    jsStreamInfo* raw = nullptr;
    EXPECT_EQ(js_GetStreamInfo(&raw, jetstream, kStreamTelemetry.data(), nullptr, nullptr), NATS_OK);
    return StreamInfoHandle(raw);
  };
  const auto before = settings();
  before->Config->Discard = js_DiscardOld;
  ASSERT_EQ(js_UpdateStream(nullptr, jetstream, before->Config, nullptr, nullptr), NATS_OK);
  ASSERT_EQ(settings()->Config->Discard, js_DiscardOld);
  TestServer::must(StreamAdmin(*mixer_).ensure_streams(kSmall));
  EXPECT_EQ(settings()->Config->Discard, js_DiscardNew);
  EXPECT_EQ(messages_in(kStreamTelemetry), 1U);
}

TEST_F(StreamsTest, PullConsumerReadsInOrderAndStopsAtItsTimeout) {
  auto edge = server_.edge_bus();
  for (const auto* text : {"1", "2", "3"})
    ASSERT_TRUE(publish_and_wait(*edge, outgoing(audit_subject(server_.edge), text)));
  auto reader = PullConsumer::open(*mixer_, {.stream = "FLUX_AUDIT", .durable = "ingest", .filter = {}});
  TestServer::must(reader);
  const auto first = (*reader)->fetch(2, std::chrono::milliseconds(1000));
  ASSERT_TRUE(first.has_value());
  ASSERT_EQ(first->size(), 2U);
  EXPECT_EQ(as_text(first->front().payload), "1");
  const auto rest = (*reader)->fetch(10, std::chrono::milliseconds(300));
  ASSERT_TRUE(rest.has_value());
  ASSERT_EQ(rest->size(), 1U);
  for (const auto& delivery : *first) EXPECT_TRUE(mixer_->acknowledge(delivery.reply));
  EXPECT_TRUE(mixer_->acknowledge(rest->front().reply));
  const auto none = (*reader)->fetch(10, std::chrono::milliseconds(100));
  ASSERT_TRUE(none.has_value());
  EXPECT_TRUE(none->empty());
}

TEST_F(StreamsTest, AreRestoredAndReadAgainAfterTheServerLostItsStore) {
  Mailbox<ConnectionState> states;
  auto options = server_.options("mixer", "mixer");
  options.on_state = [&](ConnectionState state) { states.put(state); };
  const auto bus = server_.connect_as(options);  // ends before what its callbacks use
  ASSERT_EQ(states.take(), ConnectionState::kConnected);
  StreamAdmin admin(*bus);
  TestServer::must(admin.ensure_streams(kSmall));
  auto reader = PullConsumer::open(*bus, {.stream = std::string(kStreamAudit), .durable = "t", .filter = {}});
  TestServer::must(reader);
  server_.process.reset();
  ASSERT_EQ(states.take(), ConnectionState::kDisconnected);
  std::filesystem::remove_all(server_.directory / "store");
  std::filesystem::create_directory(server_.directory / "store");
  server_.start();
  ASSERT_EQ(states.take(), ConnectionState::kConnected);
  EXPECT_FALSE(admin.fill().has_value());
  (void)(*reader)->fetch(1, std::chrono::milliseconds(100));  // there is nothing to make it in yet
  EXPECT_EQ(admin.restore_streams().value_or(0), 5U);
  EXPECT_EQ(admin.restore_streams().value_or(9), 0U);
  ASSERT_TRUE(publish_and_wait(*bus, outgoing(audit_subject(server_.edge), "block")));
  const auto read = (*reader)->fetch(1, testing::kPatience);
  ASSERT_TRUE(read.has_value()) << to_string(read.error());
  ASSERT_EQ(read->size(), 1U);
  EXPECT_EQ(as_text(read->front().payload), "block");
}

TEST_F(StreamsTest, AMessageBecomesADeadLetterAfterItsLastDelivery) {
  StreamAdmin admin(*mixer_);
  TestServer::must(admin.ensure_consumer({.rack = "host",
                                          .machine = server_.host,
                                          .gear = "bank",
                                          .filter = "flux.msg.edge.>",
                                          .max_deliver = 2,
                                          .acknowledge_wait = std::chrono::milliseconds(200)}));
  auto host = server_.host_bus();
  auto deaf = host->subscribe(deliver_subject(server_.host, "bank"), [](const Delivery&) {});
  auto edge = server_.edge_bus();
  auto message = outgoing("flux.msg.edge.a.out", "payload", "id-1");
  message.headers = {{"flux-id", "0192"}};
  ASSERT_TRUE(publish_and_wait(*edge, std::move(message)));
  auto collector = DeadLetterCollector::open(*mixer_, server_.quiet);
  TestServer::must(collector);
  ASSERT_EQ(collect(**collector), 1U);
  const auto letter = only_dead_letter();
  EXPECT_EQ(letter.subject, "flux.dlq.host.bank");
  EXPECT_EQ(as_text(letter.payload), "payload");
  EXPECT_EQ(letter.header("flux-id"), "0192");
  EXPECT_EQ(letter.header(kDeadSubject), "flux.msg.edge.a.out");
  EXPECT_EQ(letter.header(kDeadSequence), "1");
  EXPECT_EQ(letter.header(kDeadConsumer), "host__bank");
  EXPECT_EQ(letter.header(kDeadReason), "max_deliveries");
  EXPECT_EQ(letter.header(kDeadDeliveries), "2");
}

TEST_F(StreamsTest, ATerminatedMessageBecomesADeadLetterAtOnceAndIsNotDeliveredAgain) {
  StreamAdmin admin(*mixer_);
  TestServer::must(admin.ensure_consumer({.rack = "host",
                                          .machine = server_.host,
                                          .gear = "bank",
                                          .filter = "flux.msg.edge.>",
                                          .acknowledge_wait = std::chrono::milliseconds(300)}));
  auto host = server_.host_bus();
  Mailbox<Delivery> arrived;
  auto subscription =
      host->subscribe(deliver_subject(server_.host, "bank"), [&](Delivery d) { arrived.put(std::move(d)); });
  auto edge = server_.edge_bus();
  ASSERT_TRUE(publish_and_wait(*edge, outgoing("flux.msg.edge.a.out")));
  const auto delivery = arrived.take();
  ASSERT_TRUE(delivery.has_value());
  ASSERT_TRUE(host->terminate(delivery->reply));
  auto collector = DeadLetterCollector::open(*mixer_, server_.quiet);
  TestServer::must(collector);
  ASSERT_EQ(collect(**collector), 1U);
  EXPECT_EQ(only_dead_letter().header(kDeadReason), "terminated");
  EXPECT_FALSE(arrived.take(std::chrono::milliseconds(600)).has_value());
}

TEST_F(StreamsTest, TrimRemovesWhatIsAcknowledgedAndKeepsWhatIsNot) {
  StreamAdmin admin(*mixer_);
  TestServer::must(admin.ensure_consumer(
      {.rack = "host", .machine = server_.host, .gear = "bank", .filter = "flux.msg.edge.a.>"}));
  auto host = server_.host_bus();
  Mailbox<Delivery> arrived;
  auto subscription =
      host->subscribe(deliver_subject(server_.host, "bank"), [&](Delivery d) { arrived.put(std::move(d)); });
  auto edge = server_.edge_bus();
  ASSERT_TRUE(publish_and_wait(*edge, outgoing("flux.msg.edge.nobody.out", "kept: no consumer")));
  ASSERT_TRUE(publish_and_wait(*edge, outgoing("flux.msg.edge.a.out", "done")));
  ASSERT_TRUE(publish_and_wait(*edge, outgoing("flux.msg.edge.a.out", "kept: not acknowledged")));
  const auto done = arrived.take();
  ASSERT_TRUE(done && arrived.take());
  ASSERT_TRUE(host->acknowledge(done->reply));
  ASSERT_TRUE(host->flush(std::chrono::seconds(5)));
  TestServer::must(admin.trim_acknowledged());
  EXPECT_EQ(messages_in(kStreamMessages), 3U);
  const auto end = std::chrono::steady_clock::now() + testing::kPatience;
  while (messages_in(kStreamMessages) == 3U && std::chrono::steady_clock::now() < end)
    TestServer::must(admin.trim_acknowledged());
  EXPECT_EQ(messages_in(kStreamMessages), 2U);
}

// Otherwise the stream, which refuses what is new when it is full, would end the shipping of records for
// good.
TEST_F(StreamsTest, TrimRemovesAuditMessagesThatTheMixerHasAcknowledged) {
  StreamAdmin admin(*mixer_);
  PullRequest request;
  request.stream = kStreamAudit;
  request.durable = "mixer-audit";
  auto consumer = PullConsumer::open(*mixer_, request);
  TestServer::must(consumer);
  auto edge = server_.edge_bus();
  const auto subject = audit_subject(server_.edge);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(publish_and_wait(*edge, outgoing(subject)));
  std::vector<Delivery> taken;
  const auto end = std::chrono::steady_clock::now() + testing::kPatience;
  while (taken.size() < 3 && std::chrono::steady_clock::now() < end) {
    auto some = (*consumer)->fetch(3, std::chrono::milliseconds(500));
    for (auto& one : some.value_or(std::vector<Delivery>{})) taken.push_back(std::move(one));
  }
  ASSERT_EQ(taken.size(), 3U);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(mixer_->acknowledge(taken[static_cast<std::size_t>(i)].reply));
  ASSERT_TRUE(mixer_->flush(std::chrono::seconds(5)));
  while (messages_in(kStreamAudit) != 1U && std::chrono::steady_clock::now() < end)
    TestServer::must(admin.trim_acknowledged());
  EXPECT_EQ(messages_in(kStreamAudit), 1U);
}

TEST_F(StreamsTest, AConsumerWithAnotherFilterTakesThePlaceOfTheOldOne) {
  StreamAdmin admin(*mixer_);
  ConsumerRequest request{
      .rack = "host", .machine = server_.host, .gear = "bank", .filter = "flux.msg.edge.a.>"};
  TestServer::must(admin.ensure_consumer(request));
  request.filter = "flux.msg.edge.b.>";
  TestServer::must(admin.ensure_consumer(request));
  TestServer::must(admin.ensure_consumer(request));
  auto host = server_.host_bus();
  Mailbox<Delivery> arrived;
  auto subscription =
      host->subscribe(deliver_subject(server_.host, "bank"), [&](Delivery d) { arrived.put(std::move(d)); });
  auto edge = server_.edge_bus();
  ASSERT_TRUE(publish_and_wait(*edge, outgoing("flux.msg.edge.b.out", "new filter")));
  const auto delivery = arrived.take();
  ASSERT_TRUE(delivery.has_value());
  EXPECT_EQ(as_text(delivery->payload), "new filter");
}

}  // namespace
}  // namespace fluxrig::snake
