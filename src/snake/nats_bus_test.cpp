#include "snake/nats_bus.hpp"

#include <atomic>
#include <csignal>
#include <set>

#include "base/test_gate.hpp"
#include "snake/streams.hpp"
#include "snake/subjects.hpp"
#include "snake/test_server.hpp"

namespace fluxrig::snake {
namespace {

using testing::Mailbox;
using testing::outgoing;
using testing::publish_and_wait;
using testing::TestServer;

class NatsBusTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_.start();
    mixer_ = server_.mixer();
    StreamAdmin admin(*mixer_);
    TestServer::must(admin.ensure_streams({.message_bytes = 64 << 20,
                                           .audit_bytes = 32 << 20,
                                           .telemetry_bytes = 32 << 20,
                                           .dead_letter_bytes = 8 << 20,
                                           .advisory_bytes = 1 << 20}));
  }
  void make_consumer(std::chrono::milliseconds wait = std::chrono::seconds(10)) {
    StreamAdmin admin(*mixer_);
    TestServer::must(admin.ensure_consumer({.rack = "host",
                                            .machine = server_.host,
                                            .gear = "bank",
                                            .filter = "flux.msg.edge.>",
                                            .acknowledge_wait = wait}));
  }

  TestServer server_;
  std::unique_ptr<NatsBus> mixer_;
};

TEST_F(NatsBusTest, AnswersAPublishWithTheStreamsSequence) {
  auto edge = server_.edge_bus();
  const auto first = publish_and_wait(*edge, outgoing(audit_subject(server_.edge), "block 1", "a"));
  const auto second = publish_and_wait(*edge, outgoing(audit_subject(server_.edge), "block 2", "b"));
  ASSERT_TRUE(first.has_value()) << to_string(first.error());
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(first->stream_sequence, 1U);
  EXPECT_EQ(second->stream_sequence, 2U);
  EXPECT_FALSE(second->duplicate);
}

TEST_F(NatsBusTest, FlagsARepeatedMessageId) {
  auto edge = server_.edge_bus();
  ASSERT_TRUE(publish_and_wait(*edge, outgoing(audit_subject(server_.edge), "x", "same")));
  const auto again = publish_and_wait(*edge, outgoing(audit_subject(server_.edge), "x", "same"));
  ASSERT_TRUE(again.has_value());
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(edge->counters().duplicates, 1U);
}

TEST_F(NatsBusTest, CarriesHeadersAndPayloadToTheConsumerUnchanged) {
  make_consumer();
  auto host = server_.host_bus();
  Mailbox<Delivery> arrived;
  auto subscription =
      host->subscribe(deliver_subject(server_.host, "bank"), [&](Delivery d) { arrived.put(std::move(d)); });
  ASSERT_TRUE(subscription.has_value());
  auto edge = server_.edge_bus();
  auto message = outgoing(message_subject("edge", "to_host", "out"), std::string_view("a\0b\r\n", 5), "id-1");
  message.headers = {{"flux-id", "0192"}, {"TraceParent", "00-ab"}};
  ASSERT_TRUE(publish_and_wait(*edge, std::move(message)));
  const auto delivery = arrived.take();
  ASSERT_TRUE(delivery.has_value());
  EXPECT_EQ(delivery->subject, "flux.msg.edge.to_host.out");
  EXPECT_EQ(delivery->header("flux-id"), "0192");
  EXPECT_EQ(delivery->header("TraceParent"), "00-ab");
  EXPECT_EQ(as_text(delivery->payload), std::string_view("a\0b\r\n", 5));
  EXPECT_EQ(delivery->deliveries, 1U);
  EXPECT_TRUE(host->acknowledge(delivery->reply));
}

TEST_F(NatsBusTest, DeliversAgainAfterTheAskedDelayAndCountsTheDeliveries) {
  make_consumer();
  auto host = server_.host_bus();
  Mailbox<Delivery> arrived;
  auto subscription =
      host->subscribe(deliver_subject(server_.host, "bank"), [&](Delivery d) { arrived.put(std::move(d)); });
  ASSERT_TRUE(subscription.has_value());
  auto edge = server_.edge_bus();
  ASSERT_TRUE(publish_and_wait(*edge, outgoing("flux.msg.edge.a.out")));
  const auto first = arrived.take();
  ASSERT_TRUE(first.has_value());
  const auto asked = std::chrono::steady_clock::now();
  ASSERT_TRUE(host->redeliver_after(first->reply, std::chrono::milliseconds(300)));
  const auto second = arrived.take();
  ASSERT_TRUE(second.has_value());
  EXPECT_GE(std::chrono::steady_clock::now() - asked, std::chrono::milliseconds(290));
  EXPECT_EQ(second->deliveries, 2U);
}

TEST_F(NatsBusTest, DeliversAgainWhatIsNotAcknowledgedAndNotWhatIs) {
  make_consumer(std::chrono::milliseconds(500));
  auto host = server_.host_bus();
  Mailbox<Delivery> arrived;
  auto subscription =
      host->subscribe(deliver_subject(server_.host, "bank"), [&](Delivery d) { arrived.put(std::move(d)); });
  auto edge = server_.edge_bus();
  ASSERT_TRUE(publish_and_wait(*edge, outgoing("flux.msg.edge.a.out", "done")));
  ASSERT_TRUE(publish_and_wait(*edge, outgoing("flux.msg.edge.a.out", "left")));
  const auto done = arrived.take();
  const auto left = arrived.take();
  ASSERT_TRUE(done && left);
  ASSERT_TRUE(host->acknowledge(done->reply));
  const auto again = arrived.take();
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(as_text(again->payload), "left");
  EXPECT_EQ(again->deliveries, 2U);
}

TEST_F(NatsBusTest, RefusesToPublishAtOnceWhileDisconnected) {
  Mailbox<ConnectionState> states;
  auto options = server_.options("edge", to_string(server_.edge));
  options.on_state = [&](ConnectionState state) { states.put(state); };
  auto edge = server_.connect_as(options);
  ASSERT_EQ(states.take(), ConnectionState::kConnected);
  server_.process.reset();
  ASSERT_EQ(states.take(), ConnectionState::kDisconnected);
  const auto refused = edge->publish_stream(outgoing(audit_subject(server_.edge)), [](auto) { FAIL(); });
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(
      edge->publish("flux.agent.heartbeat." + to_string(server_.edge), sanitize::TestBytes::of(as_bytes("x")))
          .error()
          .code,
      ErrorCode::kUnavailable);
  EXPECT_FALSE(edge->connected());
}

// The library holds its lock while it waits for a server's first words.
TEST_F(NatsBusTest, SaysAtOnceThatItIsAwayWhileAServerAcceptsAndSaysNothing) {
  Mailbox<ConnectionState> states;
  auto options = server_.options("edge", to_string(server_.edge));
  options.connect_timeout = std::chrono::seconds(10);
  options.on_state = [&](ConnectionState state) { states.put(state); };
  auto edge = server_.connect_as(options);
  ASSERT_EQ(states.take(), ConnectionState::kConnected);
  mixer_.reset();
  server_.process.reset();
  ASSERT_EQ(states.take(), ConnectionState::kDisconnected);
  testing::SilentServer silent(server_.port);
  ASSERT_TRUE(silent.accepted()) << "the client did not come back";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(edge->connected());
  EXPECT_FALSE(edge->publish("flux.agent.heartbeat." + to_string(server_.edge),
                             sanitize::TestBytes::of(as_bytes("x"))));
  EXPECT_FALSE(edge->publish_stream(outgoing(audit_subject(server_.edge)), [](auto) { FAIL(); }));
  EXPECT_FALSE(edge->request("flux.agent.hello." + to_string(server_.edge),
                             sanitize::TestBytes::of(as_bytes("x")), std::chrono::seconds(1)));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST_F(NatsBusTest, AnswersEveryPublishOnceWhenTheServerIsKilledAndResendsAreAnswered) {
  constexpr std::size_t kMessages = 20'000;
  Mailbox<ConnectionState> states;
  auto options = server_.options("edge", to_string(server_.edge));
  options.on_state = [&](ConnectionState state) { states.put(state); };
  auto edge = server_.connect_as(options);
  ASSERT_EQ(states.take(), ConnectionState::kConnected);
  std::vector<std::atomic<int>> answers(kMessages);
  std::vector<std::atomic<bool>> stored(kMessages);
  std::size_t handed = 0;
  for (std::size_t i = 0; i < kMessages; ++i) {
    auto sent =
        edge->publish_stream(outgoing(audit_subject(server_.edge), "block", "id-" + std::to_string(i)),
                             [&, i](const Result<PublishReceipt>& result) {
                               stored[i].store(result.has_value());
                               answers[i].fetch_add(1);
                             });
    if (sent)
      ++handed;
    else
      answers[i].store(-1);
    if (i == 500) {
      ASSERT_EQ(::kill(server_.process->pid(), SIGKILL), 0);
    }
  }
  EXPECT_GE(handed, 500U);
  ASSERT_EQ(states.take(), ConnectionState::kDisconnected);
  ASSERT_EQ(states.take(), ConnectionState::kConnected);  // restarted by its watcher
  EXPECT_EQ(server_.process->restarts(), 1U);
  EXPECT_EQ(edge->unacknowledged(), 0U);
  for (std::size_t i = 0; i < kMessages; ++i) EXPECT_TRUE(answers[i] == 1 || answers[i] == -1) << i;
  for (std::size_t i = 0; i < 1000; ++i) {
    const auto again =
        publish_and_wait(*edge, outgoing(audit_subject(server_.edge), "block", "id-" + std::to_string(i)));
    ASSERT_TRUE(again.has_value()) << to_string(again.error());
    if (stored[i]) {
      EXPECT_TRUE(again->duplicate) << i;
    }
  }
}

TEST_F(NatsBusTest, AnswersWaitingPublishesWhenItIsDestroyed) {
  std::atomic<int> answered{0};
  auto edge = server_.edge_bus();
  ASSERT_TRUE(testing::freeze(server_.process->pid()));
  int handed = 0;
  for (int i = 0; i < 100; ++i)
    if (edge->publish_stream(outgoing(audit_subject(server_.edge)), [&](auto) { answered.fetch_add(1); }))
      ++handed;
  edge.reset();
  ASSERT_EQ(::kill(server_.process->pid(), SIGCONT), 0);
  EXPECT_EQ(handed, 100);
  EXPECT_EQ(answered.load(), 100);
}

TEST_F(NatsBusTest, GivesUpAPublishAtItsTimeoutWhenTheServerIsFrozen) {
  auto options = server_.options("edge", to_string(server_.edge));
  options.publish_timeout = std::chrono::milliseconds(200);
  auto edge = server_.connect_as(options);
  ASSERT_TRUE(testing::freeze(server_.process->pid()));
  const auto result = publish_and_wait(*edge, outgoing(audit_subject(server_.edge)));
  ASSERT_EQ(::kill(server_.process->pid(), SIGCONT), 0);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kTimeout);
  EXPECT_EQ(edge->counters().timed_out, 1U);
}

TEST_F(NatsBusTest, SaysFullWhenItsWindowIs) {
  auto options = server_.options("edge", to_string(server_.edge));
  options.max_in_flight = 3;
  auto edge = server_.connect_as(options);
  ASSERT_TRUE(testing::freeze(server_.process->pid()));
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(edge->publish_stream(outgoing(audit_subject(server_.edge)), [](auto) {}));
  const auto full = edge->publish_stream(outgoing(audit_subject(server_.edge)), [](auto) {});
  ASSERT_EQ(::kill(server_.process->pid(), SIGCONT), 0);
  ASSERT_FALSE(full.has_value());
  EXPECT_EQ(full.error().code, ErrorCode::kFull);
}

TEST_F(NatsBusTest, RefusesSubjectsAndHeadersThatWouldBreakTheProtocol) {
  auto edge = server_.edge_bus();
  EXPECT_EQ(edge->publish("flux.audit.x\r\nPUB a 1", sanitize::TestBytes::of(as_bytes("x"))).error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(edge->publish_stream(outgoing("flux.msg.edge.a b"), [](auto) {}).error().code,
            ErrorCode::kInvalid);
  auto message = outgoing(audit_subject(server_.edge));
  message.headers = {{"flux-id", "a\r\nEvil: 1"}};
  EXPECT_EQ(edge->publish_stream(message, [](auto) {}).error().code, ErrorCode::kInvalid);
  auto large = outgoing(audit_subject(server_.edge));
  large.payload = sanitize::TestBytes::of(Bytes(2U << 20));
  EXPECT_EQ(edge->publish_stream(large, [](auto) {}).error().code, ErrorCode::kOversize);
  EXPECT_EQ(edge->unacknowledged(), 0U);
}

TEST_F(NatsBusTest, AnswersARequestAndSaysWhenNobodyListens) {
  auto edge = server_.edge_bus();
  const auto nobody = edge->request(hello_subject(server_.edge), sanitize::TestBytes::of(as_bytes("hello")),
                                    std::chrono::seconds(5));
  ASSERT_FALSE(nobody.has_value());
  EXPECT_EQ(nobody.error().code, ErrorCode::kUnavailable);
  auto listening = mixer_->subscribe("flux.agent.hello.*", [&](const Delivery& delivery) {
    if (is_inbox_of(server_.edge, delivery.reply))
      (void)mixer_->publish(delivery.reply, sanitize::TestBytes::of(as_bytes("welcome")));
  });
  ASSERT_TRUE(mixer_->flush(std::chrono::seconds(5)));
  const auto answer = edge->request(hello_subject(server_.edge), sanitize::TestBytes::of(as_bytes("hello")),
                                    std::chrono::seconds(10));
  ASSERT_TRUE(answer.has_value()) << to_string(answer.error());
  EXPECT_EQ(as_text(*answer), "welcome");
}

TEST_F(NatsBusTest, StartsWithoutItsServerAndKeepsItsSubscriptions) {
  server_.process.reset();
  Mailbox<ConnectionState> states;
  Mailbox<Delivery> arrived;
  auto options = server_.options("edge", to_string(server_.edge));
  options.retry_first_connect = true;
  options.on_state = [&](ConnectionState state) { states.put(state); };
  Diagnostics silent{server_.clock, 2, DiagnosticFormat::kText, Severity::kError, pass_unsearched};
  auto edge = snake::connect(options, silent);
  ASSERT_TRUE(edge.has_value()) << edge.error().message;
  EXPECT_FALSE((*edge)->connected());
  auto subscription =
      (*edge)->subscribe(receipt_subject(server_.edge), [&](Delivery d) { arrived.put(std::move(d)); });
  ASSERT_TRUE(subscription.has_value());
  server_.start();
  ASSERT_EQ(states.take(), ConnectionState::kConnected);
  ASSERT_TRUE((*edge)->flush(std::chrono::seconds(5)));
  auto mixer = server_.mixer();
  ASSERT_TRUE(mixer->publish(receipt_subject(server_.edge), sanitize::TestBytes::of(as_bytes("1-5"))));
  const auto receipt = arrived.take();
  ASSERT_TRUE(receipt.has_value());
  EXPECT_EQ(as_text(receipt->payload), "1-5");
}

}  // namespace
}  // namespace fluxrig::snake
