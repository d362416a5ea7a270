// The rack's own listener, asked over real sockets.
#include "rack/monitor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gear/net/test_peers.hpp"
#include "model/golden_records.hpp"

namespace fluxrig::rack {
namespace {

using gear::net::TestCaller;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

sanitize::CleanRecord point(std::string name, double value) {
  auto one = model::golden::metric_point(model::Sum{value, true});
  one.name = std::move(name);
  return sanitize::clean(std::move(one));
}

class MonitorTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto opened = monitor.open({"127.0.0.1", 0});
    ASSERT_TRUE(opened) << opened.error().message;
  }
  // The whole answer to one request on a connection of its own.
  std::string ask(std::string_view line, std::string_view headers = {}) {
    TestCaller caller(services, monitor.port());
    caller.write(std::string(line) + " HTTP/1.1\r\nHost: r\r\nConnection: close\r\n" + std::string(headers) +
                 "\r\n");
    EXPECT_TRUE(caller.read_end());
    return caller.received();
  }

  std::string reason;
  MetricPage page{"edge", model::golden::machine_id()};
  gear::TestServices services;
  Monitor monitor{Monitor::Parts{services.io(), page, services.diagnostics(), [this] { return reason; }}};
};

TEST_F(MonitorTest, ProbesSayWhetherTheRackLivesAndWhyItIsNotReady) {
  EXPECT_THAT(ask("GET /livez"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(ask("GET /readyz"), EndsWith("\r\n\r\nready\n"));
  reason = "the audit log cannot be written";
  const auto answer = ask("GET /readyz");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nnot ready: the audit log cannot be written\n"));
  EXPECT_THAT(ask("GET /livez"), StartsWith("HTTP/1.1 200 OK\r\n")) << "it lives all the same";
}

TEST_F(MonitorTest, MetricsAreThoseOfTheLastEmissionInTheFormatThatIsAskedFor) {
  EXPECT_THAT(ask("GET /metrics"), HasSubstr("content-length: 0\r\n")) << "nothing was emitted yet";
  page.take(point("b", 1));
  page.take(point("a", 2));
  page.take(point("b", 3));
  EXPECT_THAT(ask("GET /metrics"), HasSubstr("content-length: 0\r\n")) << "half an emission is none";
  page.turn();
  const auto plain = ask("GET /metrics");
  EXPECT_THAT(plain, HasSubstr("content-type: text/plain; version=0.0.4"));
  EXPECT_THAT(plain, HasSubstr("# TYPE a_total counter\na_total{rack=\"edge\",machine_id=\""));
  EXPECT_THAT(plain, HasSubstr("} 1\nb_total{")) << "points of a name are neighbours";
  const auto open = ask("GET /metrics", "Accept: text/html\r\nAccept: application/openmetrics-text\r\n");
  EXPECT_THAT(open, HasSubstr("content-type: application/openmetrics-text; version=1.0.0"));
  EXPECT_THAT(open, EndsWith("# EOF\n"));
  page.take(point("c", 5));
  page.turn();
  const auto next = ask("GET /metrics");
  EXPECT_THAT(next, HasSubstr("c_total{"));
  EXPECT_THAT(next, Not(HasSubstr("a_total")));
}

TEST_F(MonitorTest, ExemplarsStayWithTheirSeriesWhenTheNextEmissionHasNone) {
  const auto emit = [this](const std::string& gear, bool exemplars) {
    auto data = model::golden::explicit_histogram();
    if (!exemplars) data.exemplars.clear();
    auto one = model::golden::metric_point(data);
    one.gear = gear;
    page.take(sanitize::clean(std::move(one)));
  };
  const auto counts = [this] {
    std::vector<std::size_t> out;
    for (const auto& one : *page.shown())
      out.push_back(std::get<model::ExplicitHistogram>(one.point.data).exemplars.size());
    return out;
  };
  for (const char* gear : {"a", "c"}) emit(gear, true);
  page.turn();
  const auto all = counts().front();
  ASSERT_GT(all, 0U);
  for (const char* gear : {"c", "b", "a"}) emit(gear, false);
  page.turn();
  EXPECT_EQ(counts(), (std::vector<std::size_t>{all, 0, all})) << "in another order, with a new one between";
}

TEST_F(MonitorTest, HeadHasNoBodyAndOtherMethodsAndPathsAreRefusedWithoutQuotingThem) {
  const auto head = ask("HEAD /livez");
  EXPECT_THAT(head, HasSubstr("content-length: 3\r\n"));
  EXPECT_THAT(head, EndsWith("\r\n\r\n"));
  const auto posted = ask("POST /metrics", "Content-Length: 0\r\n");
  EXPECT_THAT(posted, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(posted, HasSubstr("allow: GET, HEAD\r\n"));
  const auto unknown = ask("GET /4111111111111111");
  EXPECT_THAT(unknown, StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(unknown, Not(HasSubstr("4111")));
  EXPECT_THAT(ask("GET /livez", "Content-Length: 1\r\n"), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(ask("GET /livez", "X-Long: " + std::string(Monitor::kMaxHeader, 'x') + "\r\n"),
              StartsWith("HTTP/1.1 431 "));
}

TEST_F(MonitorTest, AConnectionIsKeptAndItsRequestsAreAnsweredInTheirOrder) {
  TestCaller caller(services, monitor.port());
  caller.write("GET /livez HTTP/1.1\r\nHost: r\r\n\r\nGET /readyz HTTP/1.1\r\nHost: r\r\n\r\nGET /li");
  ASSERT_TRUE(caller.read_until("ready\n"));
  EXPECT_LT(caller.received().find("ok\n"), caller.received().find("ready\n"));
  caller.received().clear();
  caller.write("vez HTTP/1.1\r\nHost: r\r\n\r\n");
  EXPECT_TRUE(caller.read_until("ok\n"));
  EXPECT_EQ(monitor.callers(), 1U);
}

TEST_F(MonitorTest, CallersOverTheLimitAreTurnedAwayAndRoomComesBack) {
  std::vector<std::unique_ptr<TestCaller>> callers;
  for (std::size_t i = 0; i < Monitor::kMaxCallers; ++i)
    callers.push_back(std::make_unique<TestCaller>(services, monitor.port()));
  ASSERT_TRUE(services.run_until([&] { return monitor.callers() == Monitor::kMaxCallers; }));
  TestCaller more(services, monitor.port());
  EXPECT_TRUE(more.read_end());
  callers.pop_back();
  ASSERT_TRUE(services.run_until([&] { return monitor.callers() < Monitor::kMaxCallers; }));
  EXPECT_THAT(ask("GET /livez"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(MonitorTest, APortThatIsTakenIsNamed) {
  Monitor second{Monitor::Parts{services.io(), page, services.diagnostics(), [] { return std::string(); }}};
  const auto opened = second.open({"127.0.0.1", monitor.port()});
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message,
              StartsWith("monitor.listen: port " + std::to_string(monitor.port()) + " is taken"));
}

}  // namespace
}  // namespace fluxrig::rack
