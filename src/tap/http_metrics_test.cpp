#include "tap/http_metrics.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace fluxrig::tap {
namespace {

constexpr UnixNanos kStart{1'795'356'187'412'000'000};

struct HttpMetricsTest : testing::Test {
  HttpMetrics metrics;

  static model::Transaction request(double seconds, std::int64_t status) {
    model::Transaction one;
    one.gear = "shop";
    one.start = kStart;
    one.end = {kStart.value + static_cast<std::int64_t>(seconds * 1e9)};
    one.trace_id.bytes.fill(2);
    one.span_id.bytes.fill(3);
    one.attributes = {
        {"http.request.method", std::string("POST")},     {"http.route", std::string("/authorize")},
        {"client.address", std::string("10.0.0.1")},      {"url.scheme", std::string("http")},
        {"network.protocol.version", std::string("1.1")}, {"http.response.status_code", status}};
    return one;
  }
  static model::Span call(std::int64_t status) {
    model::Span one;
    one.gear = "bank";
    one.kind = model::SpanKind::kClient;
    one.start = kStart;
    one.end = {kStart.value + kNanosPerMilli};
    one.attributes = {{"http.request.method", std::string("GET")},
                      {"server.address", std::string("bank.example")},
                      {"server.port", std::int64_t{8443}}};
    if (status != 0) one.attributes.push_back({"http.response.status_code", status});
    return one;
  }
  [[nodiscard]] std::vector<model::MetricPoint> emitted() {
    std::vector<model::MetricPoint> points;
    metrics.emit(kStart, {kStart.value + 1}, points);
    return points;
  }
  static const model::ExplicitHistogram& data(const model::MetricPoint& point) {
    return std::get<model::ExplicitHistogram>(point.data);
  }
  static const model::Value* attribute(const model::MetricPoint& point, std::string_view key) {
    for (const auto& one : point.attributes)
      if (one.key == key) return &one.value;
    return nullptr;
  }
};

TEST_F(HttpMetricsTest, ARequestCountsInSecondsUnderTheAttributesOfTheConventions) {
  metrics.see(request(0.3, 200), true);
  const auto points = emitted();
  ASSERT_EQ(points.size(), 1U);
  EXPECT_EQ(points[0].name, "http.server.request.duration");
  EXPECT_EQ(points[0].unit, "s");
  EXPECT_EQ(points[0].gear, "shop");
  EXPECT_EQ(points[0].start, kStart);
  const std::vector<model::Attribute> expected = {{"http.request.method", std::string("POST")},
                                                  {"http.route", std::string("/authorize")},
                                                  {"http.response.status_code", std::int64_t{200}},
                                                  {"url.scheme", std::string("http")},
                                                  {"network.protocol.version", std::string("1.1")}};
  EXPECT_EQ(points[0].attributes, expected) << "no client.address: it has no bound";
  EXPECT_EQ(data(points[0]).bounds,
            (std::vector<double>{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}));
  EXPECT_EQ(data(points[0]).counts[7], 1U);
  EXPECT_DOUBLE_EQ(data(points[0]).sum, 0.3);
}

TEST_F(HttpMetricsTest, UpperBoundsBelongToTheirBucketAndNothingIsOverTheLast) {
  for (const double seconds : {0.0, 0.005, 0.00501, 10.0, 10.1}) metrics.see(request(seconds, 200), false);
  const auto points = emitted();
  ASSERT_EQ(points.size(), 1U);
  const auto& counts = data(points[0]).counts;
  EXPECT_EQ(counts.front(), 2U);
  EXPECT_EQ(counts[1], 1U);
  EXPECT_EQ(counts[13], 1U);
  EXPECT_EQ(counts[14], 1U);
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}), data(points[0]).count);
  EXPECT_DOUBLE_EQ(data(points[0]).min, 0);
  EXPECT_DOUBLE_EQ(data(points[0]).max, 10.1);
}

TEST_F(HttpMetricsTest, AServersErrorIsNamedAndACallersIsNot) {
  metrics.see(request(0.1, 503), false);
  metrics.see(request(0.1, 404), false);
  auto gone = request(0.1, 0);
  gone.attributes.pop_back();
  gone.outcome = model::TransactionOutcome::kAbandoned;
  metrics.see(gone, false);
  const auto points = emitted();
  ASSERT_EQ(points.size(), 3U);
  EXPECT_EQ(*attribute(points[0], "error.type"), model::Value(std::string("503")));
  EXPECT_EQ(attribute(points[1], "error.type"), nullptr);
  EXPECT_EQ(*attribute(points[2], "error.type"), model::Value(std::string("abandoned")));
}

TEST_F(HttpMetricsTest, CallsAreOfTheClientAnd4xxIsTheirError) {
  metrics.see(call(200), false);
  metrics.see(call(404), false);
  metrics.see(call(0), false);
  const auto points = emitted();
  ASSERT_EQ(points.size(), 3U);
  EXPECT_EQ(points[0].name, "http.client.request.duration");
  EXPECT_EQ(*attribute(points[0], "server.port"), model::Value(std::int64_t{8443}));
  EXPECT_EQ(attribute(points[0], "error.type"), nullptr);
  EXPECT_EQ(*attribute(points[1], "error.type"), model::Value(std::string("404")));
  EXPECT_EQ(*attribute(points[2], "error.type"), model::Value(std::string("_OTHER")));
}

TEST_F(HttpMetricsTest, WhatIsNoHttpRequestDoesNotCount) {
  auto iso = request(0.1, 200);
  iso.attributes = {{"iso8583.mti", std::string("0200")}};
  metrics.see(iso, true);
  auto map = call(200);
  map.kind = model::SpanKind::kInternal;
  metrics.see(map, true);
  EXPECT_TRUE(emitted().empty());
}

TEST_F(HttpMetricsTest, EveryBucketHasItsLatestExemplarOnce) {
  metrics.see(request(0.3, 200), true);
  auto later = request(0.4, 200);
  later.span_id.bytes.fill(9);
  metrics.see(later, true);
  metrics.see(request(0.001, 200), true);
  metrics.see(request(2, 200), false);
  const auto points = emitted();
  const auto& exemplars = data(points[0]).exemplars;
  ASSERT_EQ(exemplars.size(), 2U) << "none of what was not kept";
  EXPECT_EQ(exemplars[0].span_id, later.span_id);
  EXPECT_DOUBLE_EQ(exemplars[0].value, 0.4);
  EXPECT_TRUE(data(emitted()[0]).exemplars.empty()) << "those since the last time";
}

TEST_F(HttpMetricsTest, SeriesOverTheLimitCountInTheOverflow) {
  const auto routes = static_cast<int>(HttpMetrics::kMostSeries) + 500;
  for (int i = 0; i < routes; ++i) {
    auto one = request(0.1, 200);
    one.attributes[1].value = "/route/" + std::to_string(i);
    metrics.see(one, false);
  }
  metrics.see(call(200), false);
  const auto points = emitted();
  ASSERT_EQ(points.size(), HttpMetrics::kMostSeries + 1) << "the limit is that of one metric";
  const auto& overflow = points[HttpMetrics::kMostSeries - 1];
  EXPECT_EQ(overflow.attributes, (std::vector<model::Attribute>{{"otel.metric.overflow", true}}));
  EXPECT_TRUE(overflow.gear.empty());
  EXPECT_EQ(data(overflow).count, 501U);
  EXPECT_EQ(metrics.overflows(), 501U);
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < HttpMetrics::kMostSeries; ++i) all += data(points[i]).count;
  EXPECT_EQ(all, static_cast<std::uint64_t>(routes)) << "nothing is lost";
}

}  // namespace
}  // namespace fluxrig::tap
