#include "gear/net/http_client.hpp"

#include <gtest/gtest.h>

#include "gear/net/test_peers.hpp"
#include "gear/transaction.hpp"

namespace fluxrig::gear::net {
namespace {

using std::chrono::milliseconds;

class Source final : public Gear {
 public:
  Step on_request(Transaction&, Message&) override { return Step::next(); }
  void send_reply(Transaction&, Message& message) override { replies.push_back(message); }
  std::vector<Message> replies;
};

// Answers each whole request (with Content-Length or without body) with `response`.
TestServer::Answer answer_with(const std::string& response) {
  return [response](std::string& bytes) {
    std::string out;
    for (;;) {
      const auto end = bytes.find("\r\n\r\n");
      if (end == std::string::npos) return out;
      const auto length = bytes.find("content-length: ");
      const auto body = length < end ? std::stoul(bytes.substr(length + 16)) : 0;
      if (bytes.size() < end + 4 + body) return out;
      bytes.erase(0, end + 4 + body);
      out.append(response);
    }
  };
}

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";

class HttpClientTest : public testing::Test {
 protected:
  ~HttpClientTest() override { services.stop(); }

  void start(TestServer::Answer answer, std::shared_ptr<TlsContext> tls = nullptr) {
    peer = std::make_unique<TestServer>(services, std::move(answer), std::move(tls));
    options.url.host = options.url.host.empty() ? "127.0.0.1" : options.url.host;
    options.url.port = peer->port();
    client = std::make_unique<HttpClient>(options);
    services.add(source, "source");
    services.add(*client, "out");
    services.wire(source, *client);
    ASSERT_TRUE(services.start().has_value());
  }
  void request(std::string payload = "hi", std::string method = "POST") {
    Message message;
    message.payload = std::move(payload);
    message.meta.append("http.request.method", std::move(method));
    message.meta.append("url.path", "/pay");
    message.meta.append("content-type", "text/plain");
    Arrival arrival;
    arrival.parent = trace::extract("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a=1");
    arrival.baggage = "user=7";
    ASSERT_TRUE(services.begin(source, std::move(arrival), std::move(message)).has_value());
  }
  [[nodiscard]] bool finished(std::size_t count) {
    return services.run_until([&] { return services.ended().size() == count; });
  }
  const Failure& last_failure() { return services.ended().back().failure; }

  TestServices services;
  HttpClientOptions options;
  std::unique_ptr<TestServer> peer;
  std::unique_ptr<HttpClient> client;
  Source source;
};

TEST_F(HttpClientTest, TheCallsSpanSaysWhatTheConventionsAskForAndNeverThePath) {
  start(answer_with("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"));
  request();
  request("hi", "BREW");
  ASSERT_TRUE(finished(2));
  const auto& ended = services.ended()[0];
  EXPECT_EQ(ended.span_name, "POST");
  const std::map<std::string, std::string> expected = {{"http.request.method", "POST"},
                                                       {"http.response.status_code", "404"},
                                                       {"server.address", "127.0.0.1"},
                                                       {"server.port", std::to_string(peer->port())},
                                                       {"url.scheme", "http"}};
  EXPECT_EQ(ended.span_attributes, expected);
  EXPECT_EQ(ended.span_error, "") << "the peer's refusal is no failure of the gear";
  EXPECT_EQ(services.ended()[1].span_name, "HTTP");
  EXPECT_EQ(services.ended()[1].span_attributes.at("http.request.method"), "_OTHER");
}

TEST_F(HttpClientTest, SendsThePayloadWithTheTraceContextAndPassesTheAnswerBack) {
  options.url.base = "/v1";
  start(answer_with(kOk));
  request();
  ASSERT_TRUE(finished(1));
  ASSERT_EQ(source.replies.size(), 1U);
  EXPECT_EQ(source.replies[0].payload, "ok");
  EXPECT_EQ(source.replies[0].meta.get("http.response.status_code"), "200");
  EXPECT_EQ(source.replies[0].meta.get("content-type"), "text/plain");
  const auto& sent = peer->received();
  EXPECT_TRUE(sent.starts_with("POST /v1/pay HTTP/1.1\r\nhost: 127.0.0.1:")) << sent;
  EXPECT_NE(sent.find("traceparent: 00-0af7651916cd43dd8448eb211c80319c-"), std::string::npos);
  EXPECT_EQ(sent.find("b7ad6b7169203331"), std::string::npos);  // each call has its own parent id
  EXPECT_NE(sent.find("tracestate: a=1\r\n"), std::string::npos);
  EXPECT_NE(sent.find("baggage: user=7\r\n"), std::string::npos);
  EXPECT_NE(sent.find("flux-id: " + to_string(services.ended()[0].flux_id)), std::string::npos);
  EXPECT_TRUE(sent.ends_with("content-length: 2\r\n\r\nhi"));
}

TEST_F(HttpClientTest, KeepsTheConnectionForTheNextRequest) {
  start(answer_with(kOk));
  for (std::size_t i = 1; i <= 3; ++i) {
    request();
    ASSERT_TRUE(finished(i));
  }
  EXPECT_EQ(peer->accepted(), 1U);
}

TEST_F(HttpClientTest, ReadsChunkedInterimAndUnboundedResponses) {
  std::string response =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  start([&](std::string& bytes) { return answer_with(response)(bytes); });
  request();
  ASSERT_TRUE(finished(1));
  EXPECT_EQ(source.replies[0].payload, "abc");
  EXPECT_EQ(source.replies[0].meta.get("http.response.status_code"), "201");
  response = "HTTP/1.0 200 OK\r\n\r\nto the end";
  request();
  ASSERT_TRUE(services.run_until(
      [&] { return peer->received().find("hi", peer->received().find("hi") + 2) != std::string::npos; }));
  services.poll();
  peer->close_connections();
  ASSERT_TRUE(finished(2));
  EXPECT_EQ(source.replies.at(1).payload, "to the end");
}

TEST_F(HttpClientTest, PassesA5xxThroughAndMarksItsSpan) {
  start(answer_with("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"));
  request();
  ASSERT_TRUE(finished(1));
  EXPECT_EQ(source.replies.at(0).meta.get("http.response.status_code"), "502");
  EXPECT_EQ(services.ended()[0].outcome, model::TransactionOutcome::kAnswered);
  EXPECT_EQ(services.ended()[0].span_error, "the upstream answered with an HTTP 5xx");
}

TEST_F(HttpClientTest, QueuesWhileThePoolIsBusyAndRefusesBeyondTheQueue) {
  options.pool = 1;
  options.max_queue = 1;
  start([](std::string&) { return std::string(); });
  request();
  request();
  request();
  ASSERT_EQ(services.ended().size(), 1U);
  EXPECT_STREQ(last_failure().reason, "too many requests wait for the upstream");
  ASSERT_TRUE(services.run_until([&] { return peer->received().ends_with("hi"); }));
  peer->send(kOk);
  ASSERT_TRUE(finished(2));
  ASSERT_TRUE(services.run_until([&] { return peer->received().find("POST", 4) != std::string::npos; }));
  peer->send(kOk);
  EXPECT_TRUE(finished(3));
}

TEST_F(HttpClientTest, TimesOutAndDoesNotUseThatConnectionAgain) {
  options.request_timeout = milliseconds(50);
  start([](std::string&) { return std::string(); });
  request();
  ASSERT_TRUE(finished(1));
  EXPECT_EQ(last_failure().code, FailureCode::kTimeout);
  request();
  ASSERT_TRUE(services.run_until([&] { return peer->accepted() == 2; }));
}

TEST_F(HttpClientTest, SaysUnavailableWhenNobodyListens) {
  start(answer_with(kOk));
  peer.reset();
  request();
  ASSERT_TRUE(finished(1));
  EXPECT_EQ(last_failure().code, FailureCode::kUnavailable);
  EXPECT_STREQ(last_failure().reason, "cannot connect to the upstream");
}

TEST_F(HttpClientTest, SendsAnIdempotentRequestAgainOnceOnAStaleConnection) {
  bool stale = false;
  start([&](std::string& bytes) {
    if (!stale) return answer_with(kOk)(bytes);
    stale = false;
    bytes.clear();
    peer->close_connections();
    return std::string();
  });
  request("", "GET");
  ASSERT_TRUE(finished(1));
  stale = true;
  request("", "GET");
  ASSERT_TRUE(finished(2));
  EXPECT_EQ(source.replies.size(), 2U);
  EXPECT_EQ(peer->accepted(), 2U);
}

TEST_F(HttpClientTest, DoesNotSendAPostAgain) {
  bool stale = false;
  start([&](std::string& bytes) {
    if (!stale) return answer_with(kOk)(bytes);
    bytes.clear();
    peer->close_connections();
    return std::string();
  });
  request();
  ASSERT_TRUE(finished(1));
  stale = true;
  request();
  ASSERT_TRUE(finished(2));
  EXPECT_STREQ(last_failure().reason, "the connection was lost before the response");
  EXPECT_EQ(peer->accepted(), 1U);
}

TEST_F(HttpClientTest, RefusesResponsesThatAreNotHttpOrTooLarge) {
  options.max_body = 10;
  std::string response = "rubbish\r\n\r\n";
  start([&](std::string& bytes) { return answer_with(response)(bytes); });
  std::size_t count = 0;
  for (const char* bad : {"rubbish\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890",
                          "HTTP/1.1 101 Switching Protocols\r\n\r\n"}) {
    response = bad;
    request();
    ASSERT_TRUE(finished(++count));
    EXPECT_STREQ(last_failure().reason, "the upstream's response is not usable HTTP") << bad;
  }
}

TEST_F(HttpClientTest, TalksTlsAndChecksTheServersName) {
  const TestCertificates certificates;
  auto files = certificates.server();
  files.ca = certificates.ca();
  options.url.tls = true;
  options.url.host = "localhost";
  options.tls = certificates.client();
  start(answer_with(kOk), *TlsContext::server(files));
  request();
  ASSERT_TRUE(finished(1));
  EXPECT_EQ(source.replies.size(), 1U);
}

TEST_F(HttpClientTest, DoesNotTalkToAServerThatItCannotVerify) {
  const TestCertificates certificates;
  options.url.tls = true;
  options.tls.ca = certificates.other_ca();
  start(answer_with(kOk), *TlsContext::server(certificates.server()));
  request();
  ASSERT_TRUE(finished(1));
  EXPECT_STREQ(last_failure().reason, "the TLS handshake with the upstream failed");
  EXPECT_TRUE(peer->received().empty());
}

TEST(HttpUrl, ReadsHostPortAndBaseAndRefusesTheRest) {
  const auto plain = parse_url("http://host:8080/v1/");
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->host, "host");
  EXPECT_EQ(plain->port, 8080);
  EXPECT_EQ(plain->base, "/v1");
  EXPECT_FALSE(plain->tls);
  const auto secure = parse_url("https://[::1]");
  ASSERT_TRUE(secure.has_value());
  EXPECT_EQ(secure->host, "::1");
  EXPECT_EQ(secure->port, 443);
  for (const char* bad : {"", "host", "ftp://host", "http://", "http://host:0", "http://host:99999",
                          "http://u@host", "http://host/a?b", "http://host:1x", "http://[::1"})
    EXPECT_FALSE(parse_url(bad).has_value()) << bad;
}

}  // namespace
}  // namespace fluxrig::gear::net
