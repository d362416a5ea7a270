#include "gear/bus/test_bus_gears.hpp"

namespace fluxrig::gear::bus {
namespace {

using BusOutGear = BusGears;

TEST_F(BusOutGear, ARequestAndItsReplyKeepTheirContentAndTheTrace) {
  start();
  Arrival arrival;
  arrival.parent = trace::extract("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "a=1");
  arrival.baggage = "user=7";
  send(std::move(arrival));
  ASSERT_TRUE(run(2));
  ASSERT_TRUE(entry.reply);
  EXPECT_EQ(entry.reply->payload, std::string("\x00\x01", 2));
  EXPECT_EQ(entry.reply->fields.get("2"), "4242");
  EXPECT_EQ(entry.reply->fields.get("39"), "00");
  EXPECT_EQ(entry.reply->meta.get("url.path"), "/pay");
  EXPECT_EQ(host.seen_baggage, "user=7");
  const auto& first = services.ended()[0];
  const auto& second = services.ended()[1];
  EXPECT_EQ(first.flux_id, second.flux_id);
  ASSERT_TRUE(first.parent && second.parent);
  EXPECT_EQ(to_string(first.parent->trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(first.parent->trace_id, second.parent->trace_id);
  EXPECT_EQ(first.parent->tracestate, "a=1");
  EXPECT_EQ(first.name, "process test.out");
  EXPECT_EQ(first.attributes.at("messaging.operation.type"), "process");
  EXPECT_EQ(second.attributes.at("messaging.operation.type"), "send");
  EXPECT_EQ(second.attributes.at("messaging.destination.name"), "flux.msg.test.out.out");
}

TEST_F(BusOutGear, BothAnnounceTheirConsumersAndAcknowledgeWhatTheyTook) {
  start();
  EXPECT_EQ(services.consumers(),
            (std::vector<std::string>{"flux.msg.test.out.out", "flux.msg.*.*.reply-test-out"}));
  send();
  ASSERT_TRUE(run(2));
  ASSERT_TRUE(services.run_until([&] { return bus.acknowledged.size() == 2; }));
}

TEST_F(BusOutGear, AFailureInTheOtherRackFailsTheRequestWithItsCode) {
  host.step = Step::fail(FailureCode::kNotFound, "no such card");
  start();
  send();
  ASSERT_TRUE(run(2));
  EXPECT_EQ(entry.failure.code, FailureCode::kNotFound);
  EXPECT_STREQ(entry.failure.reason, "the other rack: no route for the message");
}

TEST_F(BusOutGear, NoReplyInTimeIsATimeout) {
  host.step = Step::wait();
  out_options.reply_timeout = std::chrono::milliseconds(20);
  start();
  send();
  send();
  ASSERT_TRUE(run(2));
  EXPECT_EQ(entry.failure.code, FailureCode::kTimeout);
  EXPECT_EQ(services.ended().back().outcome, model::TransactionOutcome::kTimedOut);
}

TEST_F(BusOutGear, AReplyAfterTheTimeoutIsAcknowledgedAsAStray) {
  host.step = Step::wait();
  out_options.reply_timeout = std::chrono::milliseconds(20);
  start();
  send();
  ASSERT_TRUE(run(1));
  services.resume(host.last, Step::reply(), {});
  ASSERT_TRUE(services.run_until([&] { return bus.acknowledged.size() == 2; }));
  EXPECT_EQ(services.strays("a reply that nobody waits for"), 1U);
}

TEST_F(BusOutGear, WithoutReplyTheStreamsReceiptAnswers) {
  out_options.reply = false;
  start();
  bus.deliver_published = false;
  send();
  ASSERT_TRUE(run(1));
  ASSERT_TRUE(entry.reply);
  EXPECT_TRUE(entry.reply->payload.empty());
  EXPECT_EQ(services.ended()[0].outcome, model::TransactionOutcome::kAnswered);
}

TEST_F(BusOutGear, APublishThatFailsFailsTheRequestByItsCause) {
  start();
  const std::pair<ErrorCode, FailureCode> cases[] = {{ErrorCode::kUnavailable, FailureCode::kUnavailable},
                                                     {ErrorCode::kFull, FailureCode::kRefused},
                                                     {ErrorCode::kRefused, FailureCode::kUnavailable},
                                                     {ErrorCode::kTimeout, FailureCode::kTimeout},
                                                     {ErrorCode::kOversize, FailureCode::kOversize}};
  std::size_t ended = 0;
  for (const auto& [error, expected] : cases) {
    bus.later_failures.push_back({error, 0, "by the test"});
    send();
    ASSERT_TRUE(run(++ended));
    EXPECT_EQ(entry.failure.code, expected);
  }
}

TEST_F(BusOutGear, WhileDisconnectedARequestFailsAtOnce) {
  start();
  bus.is_connected = false;
  send();
  ASSERT_EQ(services.ended().size(), 1U);
  EXPECT_EQ(entry.failure.code, FailureCode::kUnavailable);
  EXPECT_EQ(bus.publishes, 0U);
}

TEST_F(BusOutGear, MoreThanMaxInFlightIsRefused) {
  host.step = Step::wait();
  out_options.max_in_flight = 1;
  start();
  send();
  send();
  ASSERT_TRUE(run(1));
  EXPECT_EQ(entry.failure.code, FailureCode::kRefused);
}

TEST_F(BusOutGear, AReplyThatIsGarbageFailsItsRequestAndIsTerminated) {
  host.step = Step::wait();
  start();
  send();
  ASSERT_TRUE(services.run_until([&] { return host.requests == 1; }));
  snake::Delivery reply{"flux.msg.x.y.reply-test-out", "ack.garbage", {}, {0xff}, 1};
  const auto sent = TestBus::delivery_of(bus.stored[0], "");
  reply.headers.emplace_back("flux-request", sent.header("flux-request"));
  bus.deliver(deliver("out"), reply);
  ASSERT_TRUE(run(1));
  EXPECT_EQ(entry.failure.code, FailureCode::kInternal);
  EXPECT_EQ(bus.terminated, std::vector<std::string>{"ack.garbage"});
}

TEST(BusOutStart, WithoutAMixerTheSentenceSaysWhatToAdd) {
  TestServices services;
  BusOut out({});
  services.add(out, "to-host");
  const auto started = services.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message,
            "gear 'to-host' needs a mixer: add 'mixer: {address, certificates}' to the scenario");
}

}  // namespace
}  // namespace fluxrig::gear::bus
