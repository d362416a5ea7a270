// The trace headers of a request: from any caller, on connections that are used again.
#include "gear/net/http_server_fixture.hpp"

namespace fluxrig::gear::net {
namespace {

TEST_F(HttpServerTest, ContinuesTheCallersTraceAndIgnoresItsFluxId) {
  start();
  ask("POST /pay HTTP/1.1\r\nHost: a\r\n"
      "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
      "tracestate: a=1\r\nTraceState: b=2\r\nbaggage: user=7\r\n"
      "flux-id: 00000000-0000-7000-8000-000000000000\r\nContent-Length: 0\r\n\r\n",
      "echo:");
  const auto& ended = services.ended().at(0);
  ASSERT_TRUE(ended.parent.has_value());
  EXPECT_EQ(to_string(ended.parent->trace_id), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(ended.parent->tracestate, "a=1,b=2");
  EXPECT_EQ(ended.baggage, "user=7");
  EXPECT_NE(to_string(ended.flux_id), "00000000-0000-7000-8000-000000000000");
}

TEST_F(HttpServerTest, ReadsTraceHeadersInAnyCaseAndWithWhiteSpaceAroundThem) {
  start();
  ask("POST /pay HTTP/1.1\r\nHost: a\r\n"
      "TrAcEpArEnT: \t 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03 \t \r\n"
      "tracestate:\r\ntracestate: \ta=1 , \t\r\nTRACESTATE:b=2\r\n"
      "Baggage: x=1;p,\ty = 2\r\nbaggage:z=3\r\nContent-Length: 0\r\n\r\n",
      "echo:");
  const auto& ended = services.ended().at(0);
  ASSERT_TRUE(ended.parent.has_value());
  EXPECT_EQ(ended.parent->flags, trace::kSampled | trace::kRandom);
  EXPECT_EQ(ended.parent->tracestate, "a=1,b=2");
  EXPECT_EQ(ended.baggage, "x=1;p,\ty = 2,z=3");
}

TEST_F(HttpServerTest, HoldsNoTraceOfTheRequestBeforeOnTheConnection) {
  start();
  auto client = caller();
  client.write(
      "POST /pay HTTP/1.1\r\nHost: a\r\n"
      "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
      "tracestate: a=1\r\nbaggage: x=1\r\nContent-Length: 0\r\n\r\n");
  client.write(kPost);
  ASSERT_TRUE(services.run_until([&] { return services.ended().size() == 2; }));
  EXPECT_FALSE(services.ended()[1].parent.has_value());
  EXPECT_EQ(services.ended()[1].baggage, "");
}

TEST_F(HttpServerTest, BeginsANewTraceWhenTraceparentComesTwice) {
  start();
  const std::string header = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";
  ask("POST /pay HTTP/1.1\r\nHost: a\r\n" + header + header + "Content-Length: 0\r\n\r\n", "echo:");
  EXPECT_FALSE(services.ended().at(0).parent.has_value());
}

}  // namespace
}  // namespace fluxrig::gear::net
