#include <gtest/gtest.h>

#include "gear/net/tcp_server.hpp"
#include "gear/net/test_peers.hpp"
#include "gear/transaction.hpp"

namespace fluxrig::gear::net {
namespace {

using model::TransactionOutcome;
using std::chrono::milliseconds;

class TcpServerTest : public testing::Test {
 protected:
  TcpServerTest() { options.listen = {"127.0.0.1", 0}; }
  ~TcpServerTest() override { services.stop(); }

  void start(AnsweringGear::Answer answer = nullptr) {
    if (!answer)
      answer = [](Transaction&, Message& message) {
        message.payload.insert(0, "re:");
        return Step::reply();
      };
    server = std::make_unique<TcpServer>(options);
    end = std::make_unique<AnsweringGear>(std::move(answer));
    services.add(*server, "in");
    services.add(*end, "end");
    services.wire(*server, *end);
    const auto started = services.start();
    ASSERT_TRUE(started.has_value()) << started.error().message;
  }
  TestCaller caller() { return TestCaller(services, server->bound_port()); }

  TestServices services;
  TcpServerOptions options;
  std::unique_ptr<TcpServer> server;
  std::unique_ptr<AnsweringGear> end;
};

TEST_F(TcpServerTest, MakesEveryFrameATransactionAndFramesTheReply) {
  start();
  auto client = caller();
  client.write(framed("one") + framed("two"));
  ASSERT_TRUE(client.read_until("re:two"));
  EXPECT_EQ(client.received(), framed("re:one") + framed("re:two"));
  ASSERT_EQ(services.ended().size(), 2U);
  EXPECT_EQ(services.ended()[0].attributes.at("client.address"), "127.0.0.1");
  EXPECT_EQ(services.ended()[0].bytes, 5U);
}

TEST_F(TcpServerTest, WritesRepliesAsTheyComeWhateverTheOrderOfTheRequests) {
  std::vector<Ticket> waiting;
  start([&](Transaction& transaction, Message&) {
    waiting.push_back(transaction.ticket());
    return Step::wait();
  });
  auto client = caller();
  client.write(framed("a") + framed("b"));
  ASSERT_TRUE(services.run_until([&] { return waiting.size() == 2; }));
  for (const auto i : {1U, 0U}) {
    Message reply;
    reply.payload = i == 0 ? "first" : "second";
    services.resume(waiting[i], Step::reply(), std::move(reply));
  }
  ASSERT_TRUE(client.read_until("first"));
  EXPECT_EQ(client.received(), framed("second") + framed("first"));
}

TEST_F(TcpServerTest, CountsAnEmptyFrameAndGoesOn) {
  start();
  auto client = caller();
  client.write(framed("") + framed("x"));
  EXPECT_TRUE(client.read_until("re:x"));
  EXPECT_EQ(services.strays("an empty frame"), 1U);
  EXPECT_EQ(services.ended().size(), 1U);
}

TEST_F(TcpServerTest, RecordsAFrameOverTheLimitAfterAnsweringThoseBeforeAndCloses) {
  options.max_frame = 10;
  start();
  auto client = caller();
  client.write(framed("ok") + framed("this is too long") + framed("ok2"));
  ASSERT_TRUE(client.read_end());
  EXPECT_EQ(client.received(), framed("re:ok"));
  ASSERT_EQ(services.ended().size(), 2U);
  EXPECT_EQ(services.ended()[1].failure.code, FailureCode::kOversize);
  EXPECT_STREQ(services.ended()[1].failure.reason, "the frame is over the limit");
}

TEST_F(TcpServerTest, RecordsALengthThatIsNoNumberAsMalformed) {
  options.framing = Framing::kAscii4;
  start();
  auto client = caller();
  client.write("GET / HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(client.read_end());
  ASSERT_EQ(services.ended().size(), 1U);
  EXPECT_EQ(services.ended()[0].failure.code, FailureCode::kMalformed);
}

TEST_F(TcpServerTest, CountsAConnectionThatEndsWithinAFrame) {
  start();
  {
    auto client = caller();
    client.write(framed("whole").substr(0, 4));
    ASSERT_TRUE(services.run_until([&] { return server->connections() == 1; }));
    // Another caller's answer proves that the loop has read both.
    auto other = caller();
    other.write(framed("x"));
    ASSERT_TRUE(other.read_until("re:x"));
  }
  ASSERT_TRUE(services.run_until([&] { return server->connections() == 0; }));
  EXPECT_EQ(services.strays("the connection ended within a frame"), 1U);
}

TEST_F(TcpServerTest, ClosesWhenAFailureHasNoWordsInTheProtocol) {
  start([](Transaction&, Message&) { return Step::fail(FailureCode::kUnavailable, "away"); });
  auto client = caller();
  client.write(framed("x"));
  EXPECT_TRUE(client.read_end());
  EXPECT_TRUE(client.received().empty());
  EXPECT_STREQ(services.ended().at(0).failure.reason, "away");
}

TEST_F(TcpServerTest, StaysSilentAfterAFailureWhenToldTo) {
  options.close_on_failure = false;
  bool failing = true;
  start([&](Transaction&, Message&) {
    return std::exchange(failing, false) ? Step::fail(FailureCode::kUnavailable, "away") : Step::reply();
  });
  auto client = caller();
  client.write(framed("x") + framed("y"));
  EXPECT_TRUE(client.read_until(framed("y")));
}

TEST_F(TcpServerTest, StopsReadingAtItsWindowAndGoesOnAfterAnAnswer) {
  options.max_in_flight = 2;
  std::vector<Ticket> waiting;
  start([&](Transaction& transaction, Message&) {
    waiting.push_back(transaction.ticket());
    return Step::wait();
  });
  auto client = caller();
  client.write(framed("a") + framed("b") + framed("c"));
  ASSERT_TRUE(services.run_until([&] { return waiting.size() == 2; }));
  services.poll();
  EXPECT_EQ(waiting.size(), 2U);
  services.resume(waiting[0], Step::reply(), {"A", {}, {}});
  EXPECT_TRUE(services.run_until([&] { return waiting.size() == 3; }));
}

TEST_F(TcpServerTest, ClosesAnIdleConnection) {
  options.idle_timeout = milliseconds(50);
  start();
  auto client = caller();
  EXPECT_TRUE(client.read_end());
}

TEST_F(TcpServerTest, AbandonsWhatIsInFlightWhenTheCallerGoes) {
  Ticket ticket;
  start([&](Transaction& transaction, Message&) {
    ticket = transaction.ticket();
    return Step::wait();
  });
  {
    auto client = caller();
    client.write(framed("x"));
    ASSERT_TRUE(services.run_until([&] { return services.open() == 1; }));
  }
  ASSERT_TRUE(services.run_until([&] { return server->connections() == 0; }));
  services.resume(ticket, Step::reply(), {});
  EXPECT_EQ(services.ended().at(0).outcome, TransactionOutcome::kAbandoned);
}

TEST_F(TcpServerTest, DrainsByAnsweringWhatIsInFlight) {
  Ticket ticket;
  start([&](Transaction& transaction, Message&) {
    ticket = transaction.ticket();
    return Step::wait();
  });
  auto client = caller();
  client.write(framed("x"));
  ASSERT_TRUE(services.run_until([&] { return services.open() == 1; }));
  server->drain();
  services.resume(ticket, Step::reply(), {"done", {}, {}});
  ASSERT_TRUE(client.read_end());
  EXPECT_EQ(client.received(), framed("done"));
}

}  // namespace
}  // namespace fluxrig::gear::net
