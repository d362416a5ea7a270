#include <gtest/gtest.h>

#include "gear/net/tcp_client.hpp"
#include "gear/net/test_peers.hpp"
#include "gear/transaction.hpp"

namespace fluxrig::gear::net {
namespace {

using std::chrono::milliseconds;

// Finds replies by their first two characters, as a codec does by its protocol's keys.
class KeyGear final : public Gear {
 public:
  Step on_request(Transaction& transaction, Message& message) override {
    transaction.correlation = message.payload.substr(0, 2);
    return Step::next();
  }
  std::vector<std::string> correlation_keys(std::string_view bytes) override {
    return {"none", std::string(bytes.substr(0, 2))};
  }
  bool correlates() const noexcept override { return true; }
};

// A source of requests that keeps the replies.
class SourceGear final : public Gear {
 public:
  Step on_request(Transaction&, Message&) override { return Step::next(); }
  void send_reply(Transaction&, Message& message) override { replies.push_back(message.payload); }
  std::vector<std::string> replies;
};

class TcpClientTest : public testing::Test {
 protected:
  TcpClientTest() {
    options.reconnect_min = milliseconds(10);
    options.reconnect_max = milliseconds(20);
  }
  ~TcpClientTest() override { services.stop(); }

  // `peer` must be set before.
  void start(bool with_keys) {
    if (options.connect.port == 0) options.connect = {"127.0.0.1", peer->port()};
    client = std::make_unique<TcpClient>(options);
    services.add(source, "source");
    services.add(*client, "out");
    if (with_keys) {
      services.add(keys, "keys");
      services.wire(source, keys);
      services.wire(keys, *client);
    } else {
      services.wire(source, *client);
    }
    ASSERT_TRUE(services.start().has_value());
  }
  void start_connected(bool with_keys) {
    start(with_keys);
    ASSERT_TRUE(services.run_until([&] { return client->connected() == options.connections; }));
  }
  void request(std::string payload) {
    Message message;
    message.payload = std::move(payload);
    ASSERT_TRUE(services.begin(source, {}, std::move(message)).has_value());
  }
  void silent_peer() {
    peer = std::make_unique<TestServer>(services, [](std::string&) { return std::string(); });
  }
  const char* last_reason() { return services.ended().back().failure.reason; }

  TestServices services;
  TcpClientOptions options;
  std::unique_ptr<TestServer> peer;
  std::unique_ptr<TcpClient> client;
  SourceGear source;
  KeyGear keys;
};

TEST_F(TcpClientTest, MatchesRepliesByKeysInAnyOrder) {
  silent_peer();
  start_connected(true);
  request("k1 a");
  request("k2 b");
  peer->send(framed("k2 B") + framed("k1 A"));
  ASSERT_TRUE(services.run_until([&] { return source.replies.size() == 2; }));
  EXPECT_EQ(source.replies, (std::vector<std::string>{"k2 B", "k1 A"}));
  ASSERT_TRUE(services.run_until([&] { return peer->received() == framed("k1 a") + framed("k2 b"); }));
}

TEST_F(TcpClientTest, MatchesRepliesByOrderWithoutKeys) {
  silent_peer();
  start_connected(false);
  request("a");
  request("b");
  peer->send(framed("A") + framed("B") + framed("C"));
  ASSERT_TRUE(
      services.run_until([&] { return services.strays("a message that no request waits for") == 1; }));
  EXPECT_EQ(source.replies, (std::vector<std::string>{"A", "B"}));
}

TEST_F(TcpClientTest, RejectsASecondRequestWithTheSameKeysWhileTheFirstWaits) {
  silent_peer();
  start_connected(true);
  request("k1 a");
  request("k1 b");
  ASSERT_EQ(services.ended().size(), 1U);
  EXPECT_EQ(services.ended()[0].failure.code, FailureCode::kRejected);
  peer->send(framed("k1 A"));
  ASSERT_TRUE(services.run_until([&] { return source.replies.size() == 1; }));
  request("k1 c");
  EXPECT_EQ(services.open(), 1U);
}

TEST_F(TcpClientTest, TimesOutInOrderAndCountsTheLateReply) {
  options.reply_timeout = milliseconds(40);
  silent_peer();
  start_connected(true);
  request("k1 a");
  request("k2 b");
  ASSERT_TRUE(services.run_until([&] { return services.ended().size() == 2; }));
  for (const auto& ended : services.ended()) {
    EXPECT_EQ(ended.failure.code, FailureCode::kTimeout);
    EXPECT_STREQ(ended.failure.reason, "no reply in time");
  }
  peer->send(framed("k1 A"));
  EXPECT_TRUE(
      services.run_until([&] { return services.strays("a message that no request waits for") == 1; }));
  EXPECT_EQ(client->connected(), 1U);
}

TEST_F(TcpClientTest, TakesANewConnectionAfterATimeoutWhenOrderIsAllItHas) {
  options.reply_timeout = milliseconds(40);
  silent_peer();
  start_connected(false);
  request("a");
  ASSERT_TRUE(services.run_until([&] { return services.ended().size() == 1; }));
  EXPECT_EQ(services.ended()[0].failure.code, FailureCode::kTimeout);
  ASSERT_TRUE(services.run_until([&] { return peer->accepted() == 2 && client->connected() == 1; }));
  peer->send(framed("A for a"));
  EXPECT_TRUE(
      services.run_until([&] { return services.strays("a message that no request waits for") == 1; }));
}

TEST_F(TcpClientTest, FailsWhatIsInFlightWhenTheConnectionIsLostAndReconnects) {
  silent_peer();
  start_connected(true);
  request("k1 a");
  request("k2 b");
  ASSERT_TRUE(services.run_until([&] { return peer->received().size() == 12; }));
  peer->close_connections();
  ASSERT_TRUE(services.run_until([&] { return services.ended().size() == 2; }));
  EXPECT_EQ(services.ended()[0].failure.code, FailureCode::kUnavailable);
  EXPECT_STREQ(last_reason(), "the connection was lost before the reply");
  request("k3 c");
  EXPECT_STREQ(last_reason(), "the peer is not connected");
  ASSERT_TRUE(services.run_until([&] { return client->connected() == 1; }));
  request("k4 d");
  ASSERT_TRUE(services.run_until([&] { return peer->received().ends_with("k4 d"); }));
  EXPECT_EQ(peer->received().find("k1"), peer->received().rfind("k1"));  // not sent again
}

TEST_F(TcpClientTest, StartsWhileThePeerIsAwayAndConnectsWhenItComes) {
  silent_peer();
  const auto port = peer->port();
  peer.reset();
  options.connect = {"127.0.0.1", port};
  start(true);
  request("k1 a");
  EXPECT_STREQ(last_reason(), "the peer is not connected");
  peer = std::make_unique<TestServer>(
      services, [](std::string&) { return std::string(); }, nullptr, port);
  EXPECT_TRUE(services.run_until([&] { return client->connected() == 1; }));
}

TEST_F(TcpClientTest, RefusesRequestsOverItsWindow) {
  options.max_in_flight = 1;
  silent_peer();
  start_connected(true);
  request("k1 a");
  request("k2 b");
  EXPECT_STREQ(last_reason(), "too many requests wait for the peer");
}

TEST_F(TcpClientTest, SpreadsRequestsOverItsConnections) {
  options.connections = 2;
  options.max_in_flight = 1;
  silent_peer();
  start_connected(true);
  request("k1 a");
  request("k2 b");
  EXPECT_EQ(services.open(), 2U);
}

TEST_F(TcpClientTest, DropsAPeerThatBreaksTheFraming) {
  options.max_frame = 10;
  silent_peer();
  start_connected(true);
  request("k1 a");
  peer->send(framed(std::string(11, 'x')));
  ASSERT_TRUE(services.run_until([&] { return services.ended().size() == 1; }));
  EXPECT_STREQ(last_reason(), "the peer broke the framing");
  EXPECT_TRUE(services.run_until([&] { return peer->accepted() == 2; }));
}

TEST_F(TcpClientTest, RefusesWhatItCannotSend) {
  options.max_frame = 10;
  silent_peer();
  start_connected(false);
  request(std::string(11, 'x'));
  EXPECT_EQ(services.ended().back().failure.code, FailureCode::kOversize);
  request("");
  EXPECT_EQ(services.ended().back().failure.code, FailureCode::kMalformed);
}

TEST_F(TcpClientTest, TalksMutualTlsAndChecksTheHostName) {
  const TestCertificates certificates;
  auto files = certificates.server();
  files.ca = certificates.ca();
  const auto context = TlsContext::server(files);
  ASSERT_TRUE(context.has_value());
  peer = std::make_unique<TestServer>(
      services, [](std::string& bytes) { return std::exchange(bytes, {}); }, *context);
  options.tls = certificates.client();
  start_connected(true);
  request("k1 a");
  EXPECT_TRUE(services.run_until([&] { return source.replies.size() == 1; }));
}

TEST_F(TcpClientTest, DoesNotTalkToAServerOfAnotherAuthorityOrName) {
  const TestCertificates certificates;
  peer = std::make_unique<TestServer>(
      services, [](std::string&) { return std::string(); }, *TlsContext::server(certificates.server()));
  auto other = certificates.client();
  other.ca = certificates.other_ca();
  TestCaller stranger(services, peer->port(), *TlsContext::client(other));
  ASSERT_TRUE(stranger.read_end());
  EXPECT_EQ(stranger.closed_because(), "unable to get local issuer certificate");
  TestCaller other_name(services, peer->port(), *TlsContext::client(certificates.client()), "127.0.0.2");
  EXPECT_TRUE(other_name.read_end());
  EXPECT_FALSE(other_name.closed_because().empty());
}

}  // namespace
}  // namespace fluxrig::gear::net
