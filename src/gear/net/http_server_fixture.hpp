// A server in front of a gear that answers, and callers over real sockets. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "gear/net/http_server.hpp"
#include "gear/net/test_peers.hpp"
#include "gear/transaction.hpp"

namespace fluxrig::gear::net {

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    options.listen = {"127.0.0.1", 0};
    options.routes = {{"/pay", "POST", ""}, {"/pay", "PUT", ""}, {"/items/*", "", "items"}};
  }
  ~HttpServerTest() override { services.stop(); }

  void start(AnsweringGear::Answer answer = nullptr) {
    if (!answer)
      answer = [](Transaction&, Message& message) {
        message.payload.insert(0, "echo:");
        return Step::reply();
      };
    server = std::make_unique<HttpServer>(options);
    end = std::make_unique<AnsweringGear>(std::move(answer));
    services.add(*server, "in");
    services.add(*end, "end");
    services.wire(*server, *end);
    const auto started = services.start();
    ASSERT_TRUE(started.has_value()) << started.error().message;
  }
  TestCaller caller() { return TestCaller(services, server->bound_port()); }
  // One request on its own connection, and the whole answer.
  std::string ask(std::string_view request, std::string_view until = "}") {
    TestCaller one(services, server->bound_port());
    one.write(request);
    EXPECT_TRUE(one.read_until(until)) << one.received();
    return one.received();
  }

  TestServices services;
  HttpServerOptions options;
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<AnsweringGear> end;
};

inline constexpr std::string_view kPost =
    "POST /pay?card=1 HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi";

}  // namespace fluxrig::gear::net
