#include "gear/net/http_server_fixture.hpp"

namespace fluxrig::gear::net {
namespace {

using model::TransactionOutcome;
using std::chrono::milliseconds;

TEST_F(HttpServerTest, AnswersARequestOnARouteWithTheReplyAndItsFluxId) {
  start();
  const auto text = ask(kPost, "echo:hi");
  EXPECT_TRUE(text.starts_with("HTTP/1.1 200 OK\r\n")) << text;
  EXPECT_NE(text.find("content-length: 7\r\n"), std::string::npos);
  ASSERT_EQ(services.ended().size(), 1U);
  const auto& ended = services.ended().front();
  EXPECT_EQ(ended.outcome, TransactionOutcome::kAnswered);
  EXPECT_EQ(ended.name, "POST /pay");
  EXPECT_NE(text.find("flux-id: " + to_string(ended.flux_id)), std::string::npos);
  EXPECT_EQ(ended.attributes.at("http.request.method"), "POST");
  EXPECT_EQ(ended.attributes.at("http.route"), "/pay");
  EXPECT_EQ(ended.attributes.at("http.response.status_code"), "200");
  EXPECT_EQ(ended.attributes.at("client.address"), "127.0.0.1");
  EXPECT_EQ(ended.attributes.at("server.port"), std::to_string(server->bound_port()));
  for (const auto& [name, value] : ended.attributes) EXPECT_EQ(value.find("card"), std::string::npos) << name;
}

TEST_F(HttpServerTest, WritesPipelinedResponsesInTheOrderOfTheRequests) {
  std::vector<Ticket> waiting;
  start([&](Transaction& transaction, Message&) {
    waiting.push_back(transaction.ticket());
    return Step::wait();
  });
  auto client = caller();
  for (int i = 0; i < 3; ++i) client.write(kPost);
  ASSERT_TRUE(services.run_until([&] { return waiting.size() == 3; }));
  for (const auto i : {2, 0, 1}) {
    Message reply;
    reply.payload = "reply" + std::to_string(i) + ";";
    services.resume(waiting[static_cast<std::size_t>(i)], Step::reply(), std::move(reply));
  }
  ASSERT_TRUE(client.read_until("reply2;"));
  const auto& text = client.received();
  EXPECT_LT(text.find("reply0;"), text.find("reply1;"));
  EXPECT_LT(text.find("reply1;"), text.find("reply2;"));
}

TEST_F(HttpServerTest, AnswersManyPipelinedRequestsBeyondItsWindow) {
  start();
  auto client = caller();
  std::string burst;
  for (int i = 0; i < 200; ++i) burst.append(kPost);
  client.write(burst);
  ASSERT_TRUE(services.run_until([&] { return services.ended().size() == 200; }));
  EXPECT_EQ(server->connections(), 1U);
}

TEST_F(HttpServerTest, SaysNotFoundAndMethodNotAllowedInProblemJsonAndRecordsThem) {
  start();
  const auto missing = ask("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(missing.starts_with("HTTP/1.1 404 Not Found\r\n")) << missing;
  EXPECT_NE(missing.find("application/problem+json"), std::string::npos);
  EXPECT_NE(missing.find(R"("detail":"no route has this path")"), std::string::npos);
  const auto wrong = ask("GET /pay HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(wrong.starts_with("HTTP/1.1 405 Method Not Allowed\r\n")) << wrong;
  EXPECT_NE(wrong.find("allow: POST, PUT\r\n"), std::string::npos);
  ASSERT_EQ(services.ended().size(), 2U);
  EXPECT_EQ(services.ended()[0].name, "GET");
  EXPECT_STREQ(services.ended()[0].failure.reason, "no route has this path");
  EXPECT_EQ(services.ended()[0].attributes.at("http.response.status_code"), "404");
}

TEST_F(HttpServerTest, TakesEverythingBelowAWildcardRoute) {
  start();
  EXPECT_TRUE(ask("DELETE /items/7/x HTTP/1.1\r\nHost: a\r\n\r\n", "echo:").starts_with("HTTP/1.1 200"));
  EXPECT_EQ(services.ended().at(0).name, "items");
}

struct Bad {
  const char* request;
  const char* status;
};

TEST_F(HttpServerTest, AnswersMalformedRequestsOnceRecordsThemAndCloses) {
  options.limits.max_body = 1000;
  start();
  const std::string huge_header =
      "GET /pay HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n";
  std::string many_headers = "GET /pay HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 5000; ++i) many_headers += "A: b\r\n";
  const std::vector<Bad> bad = {
      {"\x16\x03\x01 rubbish\r\n\r\n", "400"},
      {"GET /pay HTTP/3.0\r\n\r\n", "505"},
      {"POST /pay HTTP/1.1\r\n\r\n", "400"},
      {"POST /pay HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
      {"POST /pay HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "400"},
      {"POST /pay HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400"},
      {"POST /pay HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "400"},
      {"POST /pay HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
      {"POST /pay HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n0\r\n\r\n", "400"},
      {"POST /pay HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", "413"},
      {"POST /pay HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nContent-Length: 1\r\n\r\n", "417"},
      {huge_header.c_str(), "431"},
      {many_headers.c_str(), "431"},
  };
  std::size_t count = 0;
  for (const auto& [request, status] : bad) {
    auto client = caller();
    client.write(request);
    ASSERT_TRUE(client.read_end()) << status;
    EXPECT_TRUE(client.received().starts_with(std::string("HTTP/1.1 ") + status))
        << status << ": " << client.received();
    EXPECT_EQ(client.received().find("}HTTP/1.1 "), std::string::npos);
    EXPECT_NE(client.received().find("connection: close"), std::string::npos);
    ASSERT_EQ(services.ended().size(), ++count);
    EXPECT_EQ(services.ended().back().outcome, TransactionOutcome::kFailed);
    EXPECT_EQ(services.ended().back().attributes.at("http.response.status_code"), status);
  }
}

TEST_F(HttpServerTest, ReadsAChunkedBodyThatComesByteByByte) {
  start();
  auto client = caller();
  const std::string_view request =
      "POST /pay HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3;x=y\r\n yo\r\n0\r\n"
      "Host: b\r\n\r\n";
  for (const char byte : request) {
    client.write({&byte, 1});
    services.poll();
  }
  EXPECT_TRUE(client.read_until("echo:hi yo"));
}

TEST_F(HttpServerTest, InvitesTheBodyOfACallerThatAsksFirst) {
  start();
  auto client = caller();
  client.write("POST /pay HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  ASSERT_TRUE(client.read_until("HTTP/1.1 100 Continue\r\n\r\n"));
  client.write("hi");
  EXPECT_TRUE(client.read_until("echo:hi"));
}

TEST_F(HttpServerTest, RefusesTheBodyOfACallerThatAsksFirstForNoRoute) {
  start();
  auto client = caller();
  client.write("POST /no HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  ASSERT_TRUE(client.read_end());
  EXPECT_TRUE(client.received().starts_with("HTTP/1.1 404")) << client.received();
}

TEST_F(HttpServerTest, EndsSlowHeadersAndSlowBodiesWith408AndARecord) {
  options.header_timeout = milliseconds(50);
  options.body_timeout = milliseconds(50);
  start();
  for (const std::string_view begin :
       {"POST /pay HTTP/1.1\r\nHo", "POST /pay HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nh"}) {
    auto client = caller();
    client.write(begin);
    ASSERT_TRUE(client.read_end());
    EXPECT_TRUE(client.received().starts_with("HTTP/1.1 408")) << client.received();
    EXPECT_EQ(services.ended().back().outcome, TransactionOutcome::kTimedOut);
  }
}

TEST_F(HttpServerTest, ClosesAnIdleConnectionWithoutAWord) {
  options.idle_timeout = milliseconds(50);
  start();
  auto client = caller();
  ASSERT_TRUE(client.read_end());
  EXPECT_TRUE(client.received().empty());
  EXPECT_TRUE(services.ended().empty());
}

TEST_F(HttpServerTest, AnswersFailuresOfGearsInItsOwnWords) {
  Failure failure;
  start([&](Transaction&, Message&) { return Step::fail(failure); });
  const std::vector<std::pair<FailureCode, const char*>> cases = {
      {FailureCode::kMalformed, "400"},   {FailureCode::kRejected, "422"}, {FailureCode::kNotFound, "404"},
      {FailureCode::kOversize, "413"},    {FailureCode::kTimeout, "504"},  {FailureCode::kInternal, "500"},
      {FailureCode::kUnavailable, "503"}, {FailureCode::kRefused, "503"},
  };
  for (const auto& [code, status] : cases) {
    failure = {code, "why it failed"};
    const auto text = ask(kPost);
    EXPECT_TRUE(text.starts_with(std::string("HTTP/1.1 ") + status)) << text;
    EXPECT_NE(text.find(R"("detail":"why it failed")"), std::string::npos);
    EXPECT_NE(text.find(R"("flux_id":")" + to_string(services.ended().back().flux_id)), std::string::npos);
    EXPECT_EQ(text.find("retry-after: 1\r\n") != std::string::npos, std::string_view(status) == "503");
  }
}

TEST_F(HttpServerTest, Answers503WithRetryAfterWhenTheRackRefuses) {
  start();
  services.refuse(ErrorCode::kRefused);
  const auto text = ask(kPost);
  EXPECT_TRUE(text.starts_with("HTTP/1.1 503")) << text;
  EXPECT_NE(text.find("retry-after: 1\r\n"), std::string::npos);
  services.refuse(std::nullopt);
}

TEST_F(HttpServerTest, AbandonsTheTransactionOfACallerThatGoesAway) {
  Ticket ticket;
  start([&](Transaction& transaction, Message&) {
    ticket = transaction.ticket();
    return Step::wait();
  });
  {
    auto client = caller();
    client.write(kPost);
    ASSERT_TRUE(services.run_until([&] { return services.open() == 1; }));
  }
  ASSERT_TRUE(services.run_until([&] { return server->connections() == 0; }));
  services.resume(ticket, Step::reply(), {});
  ASSERT_EQ(services.ended().size(), 1U);
  EXPECT_EQ(services.ended()[0].outcome, TransactionOutcome::kAbandoned);
}

TEST_F(HttpServerTest, KeepsHeaderLinesOutOfAContentTypeFromAGear) {
  start([](Transaction&, Message& message) {
    message.meta.set("content-type", "a\r\nevil: 1");
    message.payload = "}";
    return Step::reply();
  });
  EXPECT_EQ(ask(kPost).find("evil"), std::string::npos);
}

TEST_F(HttpServerTest, AnswersHeadWithoutABody) {
  start();
  auto client = caller();
  client.write("HEAD /items/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(client.read_end());
  EXPECT_TRUE(client.received().ends_with("\r\n\r\n")) << client.received();
  EXPECT_NE(client.received().find("content-length: 5\r\n"), std::string::npos);
}

TEST_F(HttpServerTest, DrainsByAnsweringWhatIsInFlightAndClosingTheRest) {
  Ticket ticket;
  start([&](Transaction& transaction, Message&) {
    ticket = transaction.ticket();
    return Step::wait();
  });
  auto idle = caller();
  auto busy = caller();
  busy.write(kPost);
  ASSERT_TRUE(services.run_until([&] { return services.open() == 1 && server->connections() == 2; }));
  server->drain();
  EXPECT_EQ(server->bound_port(), 0);
  EXPECT_TRUE(idle.read_end());
  Message reply;
  reply.payload = "done";
  services.resume(ticket, Step::reply(), std::move(reply));
  ASSERT_TRUE(busy.read_end());
  EXPECT_NE(busy.received().find("connection: close"), std::string::npos) << busy.received();
  EXPECT_TRUE(busy.received().ends_with("done"));
}

TEST_F(HttpServerTest, RefusesConnectionsOverItsLimit) {
  options.max_connections = 1;
  start();
  auto first = caller();
  ASSERT_TRUE(services.run_until([&] { return server->connections() == 1; }));
  auto second = caller();
  EXPECT_TRUE(second.read_end());
  EXPECT_EQ(services.strays("over max_connections"), 1U);
}

TEST_F(HttpServerTest, NamesThePortThatIsTaken) {
  start();
  HttpServerOptions same = options;
  same.listen.port = server->bound_port();
  HttpServer second(same);
  const auto started = second.start(services);
  ASSERT_FALSE(started.has_value());
  EXPECT_NE(started.error().message.find("port " + std::to_string(same.listen.port) + " is taken"),
            std::string::npos)
      << started.error().message;
}

TEST_F(HttpServerTest, ServesOverMutualTlsAndRefusesStrangersAndPlainBytes) {
  const TestCertificates certificates;
  options.tls = certificates.server();
  options.tls->ca = certificates.ca();
  start();
  const auto known = TlsContext::client(certificates.client());
  ASSERT_TRUE(known.has_value()) << known.error().message;
  TestCaller client(services, server->bound_port(), *known);
  client.write(kPost);
  EXPECT_TRUE(client.read_until("echo:hi"));
  EXPECT_EQ(services.ended().at(0).attributes.at("url.scheme"), "https");

  auto no_certificate = certificates.client();
  no_certificate.certificate.clear();
  TestCaller stranger(services, server->bound_port(), *TlsContext::client(no_certificate));
  stranger.write(kPost);
  EXPECT_TRUE(stranger.read_end());
  EXPECT_TRUE(stranger.received().empty());

  auto plain = caller();
  plain.write(kPost);
  EXPECT_TRUE(plain.read_end());
  EXPECT_EQ(services.ended().size(), 1U);
  EXPECT_EQ(services.strays("the TLS handshake failed"), 2U);
}

TEST_F(HttpServerTest, NamesTheCertificateFileThatCannotBeRead) {
  options.tls = TlsFiles{"/nowhere/server.pem", "/nowhere/server.key", "", true};
  HttpServer broken(options);
  const auto started = broken.start(services);
  ASSERT_FALSE(started.has_value());
  EXPECT_NE(started.error().message.find("/nowhere/server.pem"), std::string::npos);
}

}  // namespace
}  // namespace fluxrig::gear::net
