#include "otlp/open_metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/golden_records.hpp"

namespace fluxrig::otlp {
namespace {

using model::golden::metric_point;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kMachine = "8c6f2a5e-1d3b-4c7f-9a0e-1f2d3c4b5a69";
const std::string kLabels = std::string(R"(rack="edge",machine_id=")")
                                .append(kMachine)
                                .append(R"(",fluxrig_gear="shop",outcome="answered")");

RackPoint on_edge(model::MetricPoint point) {
  return {"edge", model::golden::machine_id(), std::move(point)};
}

std::string text(const std::vector<RackPoint>& points, MetricText format = MetricText::kOpenMetrics) {
  return render_metrics(points, format);
}

TEST(OpenMetrics, ACounterHasItsSuffixAndNoUnitOfThingsThatAreCounted) {
  const std::vector points = {on_edge(metric_point(model::Sum{42, true}))};
  EXPECT_EQ(text(points),
            "# TYPE fluxrig_gear_messages counter\nfluxrig_gear_messages_total{" + kLabels + "} 42\n# EOF\n");
  EXPECT_EQ(text(points, MetricText::kPrometheus),
            "# TYPE fluxrig_gear_messages_total counter\nfluxrig_gear_messages_total{" + kLabels + "} 42\n");
}

TEST(OpenMetrics, UnitsBecomeWordsInTheName) {
  auto io = metric_point(model::Sum{5, true});
  io.name = "fluxrig.gear.io";
  io.unit = "By";
  EXPECT_THAT(text({on_edge(io)}),
              HasSubstr("# TYPE fluxrig_gear_io_bytes counter\n# UNIT fluxrig_gear_io_bytes bytes\n"
                        "fluxrig_gear_io_bytes_total{"));
  auto falling = metric_point(model::Sum{-1.5, false});
  EXPECT_THAT(text({on_edge(falling)}),
              HasSubstr("# TYPE fluxrig_gear_messages gauge\nfluxrig_gear_messages{"));
}

TEST(OpenMetrics, AHistogramIsCumulativeAndItsExemplarStandsAtItsBucket) {
  auto point = metric_point(model::golden::explicit_histogram());
  point.name = "http.server.request.duration";
  point.unit = "s";
  const std::string name = "http_server_request_duration_seconds";
  const std::string bucket = name + "_bucket{" + kLabels;
  const std::string exemplar =
      R"( # {trace_id="4bf92f3577b34da6a3ce929d0e0e4736",span_id="00f067aa0ba902b7"} 0.75 1795356187.412)";
  EXPECT_EQ(text({on_edge(point)}), "# TYPE " + name + " histogram\n# UNIT " + name + " seconds\n" + bucket +
                                        R"(,le="0.005"} 1)" + "\n" + bucket + R"(,le="0.25"} 1)" + "\n" +
                                        bucket + R"(,le="10.0"} 70001)" + exemplar + "\n" + bucket +
                                        R"(,le="+Inf"} 70003)" + "\n" + name + "_sum{" + kLabels +
                                        "} 99.5\n" + name + "_count{" + kLabels + "} 70003\n# EOF\n");
  EXPECT_THAT(text({on_edge(point)}, MetricText::kPrometheus), Not(HasSubstr(" # {")))
      << "the older format knows no exemplars";
}

TEST(OpenMetrics, AnExponentialHistogramKeepsExactBoundsInFewBuckets) {
  model::ExponentialHistogram data;
  data.scale = 6;
  data.offset = 640;  // 2^10
  data.buckets.assign(640, 1);
  data.zero_count = 2;
  data.count = 642;
  auto point = metric_point(data);
  point.name = "fluxrig.gear.duration";
  point.unit = "ns";
  const auto out = text({on_edge(point)});
  const std::string bucket = "fluxrig_gear_duration_nanoseconds_bucket{" + kLabels;
  EXPECT_THAT(out, HasSubstr(bucket + R"(,le="2048.0"} 66)"));  // 64 buckets an octave, and the zeros
  EXPECT_THAT(out, HasSubstr(bucket + R"(,le="1048576.0"} 642)"));
  EXPECT_THAT(out, HasSubstr(bucket + R"(,le="+Inf"} 642)"));
  std::size_t lines = 0;
  for (auto at = out.find(bucket); at != std::string::npos; at = out.find(bucket, at + 1)) ++lines;
  EXPECT_LE(lines, 21U);
}

TEST(OpenMetrics, ExemplarsOfThePointBeforeStayUntilNewerOnesCrowdThemOut) {
  auto first = model::golden::explicit_histogram();
  first.exemplars.resize(1);
  const auto exemplar = first.exemplars.front();
  auto second = first;
  second.exemplars.clear();
  auto now = metric_point(second);
  carry_exemplars(metric_point(first), now);
  EXPECT_EQ(std::get<model::ExplicitHistogram>(now.data).exemplars, first.exemplars);
  second.exemplars.assign(kMostExemplars, exemplar);
  for (auto& one : second.exemplars) one.time.value += 1;
  now = metric_point(second);
  carry_exemplars(metric_point(first), now);
  EXPECT_EQ(std::get<model::ExplicitHistogram>(now.data).exemplars, second.exemplars);
  auto other = metric_point(model::Sum{1, true});
  carry_exemplars(metric_point(first), other);
  EXPECT_EQ(other, metric_point(model::Sum{1, true}));
}

TEST(OpenMetrics, ValuesOfLabelsAreEscaped) {
  auto point = metric_point(model::Gauge{1});
  point.attributes = {{"http.route", std::string("/a\"b\\c\nd")}, {"http_route", std::string("twice")}};
  EXPECT_THAT(text({on_edge(point)}), HasSubstr(R"(,http_route="/a\"b\\c\nd"} 1)"));
}

TEST(OpenMetrics, ANameHasOneType) {
  const auto out = text({on_edge(metric_point(model::Sum{1, true})), on_edge(metric_point(model::Gauge{7}))});
  EXPECT_THAT(out, Not(HasSubstr("} 7")));
}

TEST(OpenMetrics, TheFormatIsWhatTheCallerAsksFor) {
  EXPECT_EQ(metric_text_of("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"),
            MetricText::kOpenMetrics);
  EXPECT_EQ(metric_text_of("text/plain;version=0.0.4"), MetricText::kPrometheus);
  EXPECT_EQ(metric_text_of(""), MetricText::kPrometheus);
  EXPECT_EQ(text({}), "# EOF\n");
}

}  // namespace
}  // namespace fluxrig::otlp
