#include "gear/bus/test_bus_gears.hpp"

namespace fluxrig::gear::bus {
namespace {

using BusInGear = BusGears;

TEST_F(BusInGear, ARedeliveryInProgressDoesNotRunTwice) {
  host.step = Step::wait();
  start();
  deliver_request(request("r1", "first"));
  deliver_request(request("r1", "second"));
  EXPECT_EQ(host.requests, 1);
  services.resume(host.last, Step::reply(), {});
  ASSERT_TRUE(services.run_until([&] { return !bus.acknowledged.empty(); }));
  EXPECT_EQ(bus.acknowledged[0], "second");
}

TEST_F(BusInGear, ARedeliveryAfterTheAnswerIsAnsweredFromMemory) {
  start();
  deliver_request(request("r1", "first"));
  ASSERT_TRUE(services.run_until([&] { return !bus.acknowledged.empty(); }));
  deliver_request(request("r1", "second"));
  ASSERT_TRUE(services.run_until([&] { return bus.publishes == 2; }));
  services.poll();
  EXPECT_EQ(host.requests, 1);
  EXPECT_EQ(replies(), 1U);  // the stream knew it by its message id
  EXPECT_EQ(bus.acknowledged.back(), "second");
}

TEST_F(BusInGear, TheRequestIsAcknowledgedOnlyAfterItsReplyIsStored) {
  start();
  for (int i = 0; i < 2; ++i) bus.later_failures.push_back({ErrorCode::kUnavailable, 0, "by the test"});
  deliver_request(request("r1", "first"));
  EXPECT_TRUE(bus.acknowledged.empty());
  ASSERT_TRUE(services.run_until([&] { return !bus.acknowledged.empty(); }));
  EXPECT_EQ(bus.publishes, 3U);
  EXPECT_EQ(replies(), 1U);
  EXPECT_EQ(host.requests, 1);
}

TEST_F(BusInGear, AReplyThatTheBusNeverTakesLeavesTheRequestUnacknowledged) {
  start();
  for (int i = 0; i < BusIn::kPublishAttempts; ++i)
    bus.later_failures.push_back({ErrorCode::kUnavailable, 0, "by the test"});
  deliver_request(request("r1", "first"));
  ASSERT_TRUE(services.run_until([&] { return services.strays("a reply that the bus did not take") == 1; }));
  EXPECT_TRUE(bus.acknowledged.empty());
  deliver_request(request("r1", "second"));
  ASSERT_TRUE(services.run_until([&] { return !bus.acknowledged.empty(); }));
  EXPECT_EQ(bus.acknowledged[0], "second");
  EXPECT_EQ(host.requests, 1);
}

TEST_F(BusInGear, GarbageIsTerminatedAndRecordedWithItsReason) {
  start();
  auto garbage = request("r1", "first");
  garbage.payload = {0xff, 0x00};
  deliver_request(std::move(garbage));
  ASSERT_EQ(services.ended().size(), 1U);
  EXPECT_EQ(services.ended()[0].failure.code, FailureCode::kMalformed);
  EXPECT_EQ(bus.terminated, std::vector<std::string>{"first"});
  EXPECT_EQ(replies(), 0U);
  EXPECT_EQ(host.requests, 0);
}

TEST_F(BusInGear, AReplyPortThatIsNoneIsRefused) {
  start();
  for (const auto* port : {"out", "reply-", "reply-a.b", "reply-a-*", "reply-A-b", "flux.audit.x"}) {
    auto forged = request("r1", "first");
    forged.headers[1].second = port;
    deliver_request(std::move(forged));
    EXPECT_EQ(services.ended().back().failure.code, FailureCode::kMalformed) << port;
  }
  EXPECT_EQ(bus.terminated.size(), 6U);
  EXPECT_EQ(host.requests, 0);
  EXPECT_EQ(bus.publishes, 0U);
}

TEST_F(BusInGear, ARequestIdThatIsNoneIsRefused) {
  start();
  deliver_request(request(std::string(kMaxRequestId + 1, 'x'), "first"));
  deliver_request(request("a\r\nNats-Msg-Id: b", "second"));
  EXPECT_EQ(bus.terminated.size(), 2U);
  EXPECT_EQ(host.requests, 0);
}

TEST_F(BusInGear, WhatTheRackRefusesComesAgain) {
  start();
  services.refuse(ErrorCode::kRefused);
  deliver_request(request("r1", "first"));
  EXPECT_EQ(bus.redelivered, std::vector<std::string>{"first"});
  services.refuse(std::nullopt);
  deliver_request(request("r1", "second"));
  EXPECT_EQ(host.requests, 1);
}

TEST_F(BusInGear, MoreThanMaxInFlightWaitTheirTurn) {
  in_options.max_in_flight = 1;
  host.step = Step::wait();
  start();
  deliver_request(request("r1", "first"));
  deliver_request(request("r2", "other"));
  deliver_request(request("r2", "again"));
  EXPECT_EQ(host.requests, 1);
  services.resume(host.last, Step::reply(), {});
  ASSERT_TRUE(services.run_until([&] { return host.requests == 2; }));
  services.resume(host.last, Step::reply(), {});
  ASSERT_TRUE(services.run_until([&] { return has_acknowledged("again"); }));
  EXPECT_TRUE(has_acknowledged("first"));
  EXPECT_FALSE(has_acknowledged("other"));
}

TEST_F(BusInGear, ADrainGivesBackWhatWaitsAndFinishesWhatRuns) {
  in_options.max_in_flight = 1;
  host.step = Step::wait();
  start();
  deliver_request(request("r1", "first"));
  deliver_request(request("r2", "other"));
  in->drain();
  EXPECT_EQ(bus.redelivered, std::vector<std::string>{"other"});
  services.resume(host.last, Step::reply(), {});
  ASSERT_TRUE(services.run_until([&] { return has_acknowledged("first"); }));
  EXPECT_EQ(host.requests, 1);
}

TEST_F(BusInGear, WithoutReplyPortTheEndOfTheTransactionSettlesIt) {
  start();
  const auto one_way = [](std::string id, std::string acknowledge) {
    auto delivery = request(std::move(id), std::move(acknowledge));
    delivery.headers.pop_back();
    return delivery;
  };
  deliver_request(one_way("r1", "done"));
  host.step = Step::fail(FailureCode::kUnavailable, "away");
  deliver_request(one_way("r2", "later"));
  host.step = Step::fail(FailureCode::kRejected, "never");
  deliver_request(one_way("r3", "dead"));
  EXPECT_EQ(bus.acknowledged, std::vector<std::string>{"done"});
  EXPECT_EQ(bus.redelivered, std::vector<std::string>{"later"});
  EXPECT_EQ(bus.terminated, std::vector<std::string>{"dead"});
  EXPECT_EQ(bus.publishes, 0U);
}

TEST_F(BusInGear, ADeadLetterWhoseEndWasNotHeardIsEndedAgainAndNeverAcknowledged) {
  start();
  const auto one_way = [](std::string acknowledge) {
    auto delivery = request("r1", std::move(acknowledge));
    delivery.headers.pop_back();
    return delivery;
  };
  host.step = Step::fail(FailureCode::kRejected, "never");
  deliver_request(one_way("first"));
  deliver_request(one_way("second"));
  EXPECT_EQ(bus.terminated, (std::vector<std::string>{"first", "second"}));
  EXPECT_TRUE(bus.acknowledged.empty());
  EXPECT_EQ(host.requests, 1);
}

TEST_F(BusInGear, AnAbandonedTransactionMakesRoomAndIsNotRunAgain) {
  in_options.max_in_flight = 1;
  host.step = Step::wait();
  start();
  deliver_request(request("r1", "first"));
  services.abandon(host.last);
  services.resume(host.last, Step::fail(FailureCode::kTimeout, "dropped"), {});
  deliver_request(request("r1", "second"));
  EXPECT_EQ(host.requests, 1);
  EXPECT_EQ(bus.acknowledged, std::vector<std::string>{"second"});
  deliver_request(request("r2", "third"));
  EXPECT_EQ(host.requests, 2);
}

TEST_F(BusInGear, WorkThatTakesLongIsToldToTheStreamUntilItEnds) {
  in_options.progress_every = std::chrono::milliseconds(20);
  host.step = Step::wait();
  start();
  deliver_request(request("long", "ack.long"));
  ASSERT_TRUE(services.run_until([&] { return bus.progressed.size() >= 3; }));
  EXPECT_EQ(bus.progressed[0], "ack.long");
  EXPECT_FALSE(has_acknowledged("ack.long"));
  services.resume(host.last, Step::reply(), {});
  ASSERT_TRUE(services.run_until([&] { return has_acknowledged("ack.long"); }));
  const auto told = bus.progressed.size();
  deliver_request(request("next", "ack.next"));
  ASSERT_TRUE(services.run_until([&] { return bus.progressed.size() > told; }));
  EXPECT_EQ(bus.progressed.back(), "ack.next");
}

TEST_F(BusInGear, ADeadLetterThatIsTriedAgainForAnotherConsumerIsNotProcessed) {
  start();
  auto other = request("dead-letter:1:1", "ack.other");
  other.headers.emplace_back("flux-for", "else__in");
  deliver_request(std::move(other));
  EXPECT_TRUE(has_acknowledged("ack.other"));
  EXPECT_EQ(host.requests, 0);
  auto own = request("dead-letter:1:1", "ack.own");
  own.headers.emplace_back("flux-for", "test__in");
  deliver_request(std::move(own));
  EXPECT_EQ(host.requests, 1);
}

TEST(BusSource, NamesARackAGearAndItsPort) {
  const auto source = parse_source("edge.to-host");
  ASSERT_TRUE(source);
  EXPECT_EQ(snake::message_subject(source->rack, source->gear, source->port), "flux.msg.edge.to-host.out");
  EXPECT_EQ(parse_source("edge.to-host.b")->port, "b");
  for (const auto* text : {"", "edge", "edge.", ".x", "edge.*", "edge.x.>", "edge.x.y.z", "Edge.x", "a__b.x"})
    EXPECT_FALSE(parse_source(text)) << text;
}

TEST(BusRedelivery, WaitsLongerEachTime) {
  EXPECT_EQ(redelivery_delay(1), std::chrono::seconds(1));
  EXPECT_EQ(redelivery_delay(2), std::chrono::seconds(2));
  EXPECT_EQ(redelivery_delay(1000), std::chrono::seconds(16));
}

}  // namespace
}  // namespace fluxrig::gear::bus
