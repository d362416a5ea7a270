// What metric points become, by value, in JSON.
#include "otlp/otlp_fixture.hpp"

namespace fluxrig::otlp {
namespace {

using testing::HasSubstr;
using testing::Not;

struct OtlpMetrics : test::Fixture {
  static model::MetricPoint sum_of(std::string name, std::string gear, double value) {
    auto point = model::golden::metric_point(model::Sum{value, true});
    point.name = std::move(name);
    point.gear = std::move(gear);
    point.attributes.clear();
    return point;
  }
};

constexpr std::string_view kPoint =
    R"("startTimeUnixNano":"1795356187412000000","timeUnixNano":"1795356197412000000",)";
constexpr std::string_view kAttributes =
    R"("attributes":[{"key":"fluxrig.gear","value":{"stringValue":"shop"}},)"
    R"({"key":"outcome","value":{"stringValue":"answered"}}])";

TEST_F(OtlpMetrics, ASumIsCumulativeAndSaysWhetherItOnlyGrows) {
  records = {model::golden::metric_point(model::Sum{42, true})};
  EXPECT_THAT(metric_json(),
              HasSubstr(std::string(R"("metrics":[{"name":"fluxrig.gear.messages","unit":"{message}",)")
                            .append(R"("sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{)")
                            .append(kPoint)
                            .append(R"("asDouble":42,)")
                            .append(kAttributes)
                            .append("}]}}]")));
  records = {model::golden::metric_point(model::Sum{-1.5, false})};
  EXPECT_THAT(metric_json(), HasSubstr(R"("sum":{"aggregationTemporality":2,"dataPoints":[{)"));
  EXPECT_THAT(metric_json(), HasSubstr(R"("asDouble":-1.5,)"));
}

TEST_F(OtlpMetrics, AGaugeHasNoTemporality) {
  records = {model::golden::metric_point(model::Gauge{0})};
  EXPECT_THAT(metric_json(), HasSubstr(std::string(R"("gauge":{"dataPoints":[{)")
                                           .append(kPoint)
                                           .append(R"("asDouble":0,)")
                                           .append(kAttributes)
                                           .append("}]}}]")));
}

TEST_F(OtlpMetrics, AHistogramKeepsBucketsAndExemplars) {
  records = {model::golden::metric_point(model::golden::histogram())};
  EXPECT_THAT(
      metric_json(),
      HasSubstr(
          std::string(R"("exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[{)")
              .append(kAttributes)
              .append(",")
              .append(kPoint)
              .append(
                  R"("count":"70007","sum":1234.5,"scale":6,"zeroCount":"1",)"
                  R"("positive":{"offset":-300,"bucketCounts":["1","0","70000","5"]},)"
                  R"("exemplars":[{"timeUnixNano":"1795356187412000005","asDouble":0.25,)"
                  R"("spanId":"00f067aa0ba902b7","traceId":"4bf92f3577b34da6a3ce929d0e0e4736",)"
                  R"("filteredAttributes":[{"key":"fluxrig.flux_id",)"
                  R"("value":{"stringValue":"0192f3c1-7a44-7c10-9a51-3d5e0c9b1f02"}}]},)"
                  R"({"timeUnixNano":"1795356187412000006","asDouble":0.5}],"min":1e-04,"max":2.5}]}}])")));
}

TEST_F(OtlpMetrics, AHistogramOfExplicitBoundsKeepsThemWithTheirCounts) {
  records = {model::golden::metric_point(model::golden::explicit_histogram())};
  EXPECT_THAT(
      metric_json(),
      HasSubstr(std::string(R"("histogram":{"aggregationTemporality":2,"dataPoints":[{)")
                    .append(kPoint)
                    .append(R"("count":"70003","sum":99.5,"bucketCounts":["1","0","70000","2"],)"
                            R"("explicitBounds":[0.005,0.25,10],)"
                            R"("exemplars":[{"timeUnixNano":"1795356187412000007","asDouble":0.75,)"
                            R"("spanId":"00f067aa0ba902b7","traceId":"4bf92f3577b34da6a3ce929d0e0e4736",)"
                            R"("filteredAttributes":[{"key":"fluxrig.flux_id",)"
                            R"("value":{"stringValue":"0192f3c1-7a44-7c10-9a51-3d5e0c9b1f02"}}]}],)")
                    .append(kAttributes)
                    .append(R"(,"min":0.002,"max":12}]}}])")));
}

TEST_F(OtlpMetrics, AHistogramOfNothingHasNoLeastAndNoGreatest) {
  records = {model::golden::metric_point(model::ExponentialHistogram{})};
  const std::string body = metric_json();
  EXPECT_THAT(body, HasSubstr(R"("count":"0","sum":0}])"));
  EXPECT_THAT(body, Not(HasSubstr("positive")));
}

TEST_F(OtlpMetrics, PointsOfOneNameAreOneMetric) {
  records = {sum_of("b", "shop", 1), sum_of("a", "shop", 2), sum_of("b", "bank", 3)};
  const std::string body = metric_json();
  EXPECT_EQ(test::count_of(body, "\"name\":\"b\""), 1U);
  EXPECT_LT(body.find("\"name\":\"a\""), body.find("\"name\":\"b\""));
  EXPECT_LT(body.find("\"asDouble\":1"), body.find("\"asDouble\":3")) << "in their order";
}

TEST_F(OtlpMetrics, PointsThatDifferInUnitOrKindAreMetricsOfTheirOwn) {
  auto other_unit = sum_of("a", "shop", 1);
  other_unit.unit = "By";
  auto gauge = sum_of("a", "shop", 1);
  gauge.data = model::Gauge{1};
  auto falling = sum_of("a", "shop", 1);
  falling.data = model::Sum{1, false};
  records = {sum_of("a", "shop", 1), other_unit, gauge, falling};
  EXPECT_EQ(test::count_of(metric_json(), "\"name\":\"a\""), 4U);
}

}  // namespace
}  // namespace fluxrig::otlp
