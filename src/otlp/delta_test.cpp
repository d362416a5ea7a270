#include "otlp/delta.hpp"

#include <limits>

#include "base/random.hpp"
#include "otlp/otlp_fixture.hpp"
#include "sanitize/test_clean_list.hpp"
#include "tap/histogram.hpp"

namespace fluxrig::otlp {
namespace {

using model::golden::after;
using model::golden::kStart;

struct Delta : testing::Test {
  Resource rack = test::edge();
  DeltaConverter converter{kStart};

  static model::MetricPoint point(std::int64_t seconds, decltype(model::MetricPoint::data) data) {
    auto out = model::golden::metric_point(std::move(data));
    out.time = after(seconds * kNanosPerSecond);
    return out;
  }
  std::optional<model::MetricPoint> sum(std::int64_t seconds, double value) {
    return converter.convert(rack, point(seconds, model::Sum{value, true}));
  }
  static double value(const std::optional<model::MetricPoint>& point) {
    return point ? std::get<model::Sum>(point->data).value : -1;
  }
};

TEST_F(Delta, ASumIsWhatWasAddedSinceThePointBefore) {
  const auto first = sum(10, 5);
  EXPECT_EQ(value(first), 5);
  EXPECT_EQ(first->start, kStart) << "it began after the converter: nobody else has sent it";
  const auto second = sum(20, 12);
  EXPECT_EQ(value(second), 7);
  EXPECT_EQ(second->start, after(10 * kNanosPerSecond));
  EXPECT_EQ(second->time, after(20 * kNanosPerSecond));
  EXPECT_EQ(value(sum(30, 12)), 0);
}

TEST_F(Delta, WhatBeganBeforeTheConverterCountsFromItsSecondPoint) {
  converter = DeltaConverter(after(1));
  EXPECT_FALSE(sum(10, 5));
  EXPECT_EQ(converter.counters().first, 1U);
  EXPECT_EQ(value(sum(20, 6)), 1);
}

TEST_F(Delta, HistogramsOfExplicitBoundsAreSubtractedBucketByBucket) {
  auto data = model::golden::explicit_histogram();
  ASSERT_TRUE(converter.convert(rack, point(10, data)));
  data.counts = {3, 1, 70'000, 2};
  data.count += 3;
  data.sum += 0.5;
  const auto second = converter.convert(rack, point(20, data));
  ASSERT_TRUE(second);
  const auto& delta = std::get<model::ExplicitHistogram>(second->data);
  EXPECT_EQ(delta.counts, (std::vector<std::uint64_t>{2, 1, 0, 0}));
  EXPECT_EQ(delta.count, 3U);
  EXPECT_EQ(delta.sum, 0.5);
  data.counts[1] = 0;  // of a bucket: less than before
  EXPECT_FALSE(converter.convert(rack, point(30, data)));
  EXPECT_EQ(converter.counters().fallen, 1U);
}

TEST_F(Delta, AnotherStartIsAReset) {
  EXPECT_EQ(value(sum(10, 100)), 100);
  rack.epoch = {3};
  auto again = point(30, model::Sum{4, true});
  again.start = after(25 * kNanosPerSecond);
  const auto whole = converter.convert(rack, again);
  EXPECT_EQ(value(whole), 4);
  EXPECT_EQ(whole->start, after(25 * kNanosPerSecond));
  again.time = after(40 * kNanosPerSecond);
  again.data = model::Sum{9, true};
  EXPECT_EQ(value(converter.convert(rack, again)), 5);
}

TEST_F(Delta, AResetIsSeenWhenTheClockWasSetBack) {
  converter = DeltaConverter({0});
  EXPECT_EQ(value(sum(100, 100)), 100);
  rack.epoch = {3};
  auto again = point(10, model::Sum{4, true});
  again.start = after(5 * kNanosPerSecond);
  EXPECT_EQ(value(converter.convert(rack, again)), 4);
  rack.epoch = {2};
  EXPECT_FALSE(sum(200, 300)) << "a backlog of the start before";
  EXPECT_EQ(converter.counters().late, 1U);
}

TEST_F(Delta, APointOfABacklogIsLateAndItsPartIsInANewerOne) {
  EXPECT_EQ(value(sum(10, 5)), 5);
  EXPECT_EQ(value(sum(30, 9)), 4);
  EXPECT_FALSE(sum(20, 7));
  EXPECT_FALSE(sum(30, 9)) << "delivered twice";
  EXPECT_EQ(converter.counters().late, 2U);
  EXPECT_EQ(value(sum(40, 10)), 1);
}

TEST_F(Delta, AFallWithoutANewStartIsCountedAndTheNextPointGoesFromThere) {
  EXPECT_EQ(value(sum(10, 5)), 5);
  EXPECT_FALSE(sum(20, 3));
  EXPECT_EQ(converter.counters().fallen, 1U);
  EXPECT_EQ(value(sum(30, 4)), 1);
}

TEST_F(Delta, SeriesAreToldApartByRackGearAttributesAndName) {
  EXPECT_EQ(value(sum(10, 5)), 5);
  auto other = point(10, model::Sum{8, true});
  other.gear = "bank";
  EXPECT_EQ(value(converter.convert(rack, other)), 8);
  other.attributes = {{"outcome", std::string("failed")}};
  EXPECT_EQ(value(converter.convert(rack, other)), 8);
  other.name = "fluxrig.gear.errors";
  EXPECT_EQ(value(converter.convert(rack, other)), 8);
  rack.machine_id.bytes[0] ^= 1;
  EXPECT_EQ(value(converter.convert(rack, other)), 8);
  EXPECT_EQ(converter.series(), 5U);
}

TEST_F(Delta, GaugesAndSumsThatMayFallStayAsTheyAre) {
  for (const auto& data : {decltype(model::MetricPoint::data)(model::Gauge{3}),
                           decltype(model::MetricPoint::data)(model::Sum{3, false})}) {
    const auto one = point(10, data);
    EXPECT_EQ(converter.convert(rack, one), one);
    EXPECT_EQ(converter.convert(rack, one), one);
  }
  EXPECT_EQ(converter.series(), 0U);
}

TEST_F(Delta, ForgetsSeriesThatHaveEnded) {
  EXPECT_EQ(value(sum(10, 5)), 5);
  converter.forget_before(after(10 * kNanosPerSecond));
  EXPECT_EQ(converter.series(), 1U);
  converter.forget_before(after(11 * kNanosPerSecond));
  EXPECT_EQ(converter.series(), 0U);
}

// All deltas of one histogram together are what was recorded, while its range grows and its scale falls.
TEST_F(Delta, HistogramsAddUpAcrossScales) {
  tap::Histogram histogram;
  SeededRandom random(5);
  std::uint64_t count = 0;
  double sum = 0;
  std::int32_t scale = 20;
  std::vector<model::ExponentialHistogram> deltas;
  for (int round = 0; round < 12; ++round) {
    const std::uint64_t widest = std::uint64_t{1} << (2 + 4 * round);
    for (int i = 0; i < 50; ++i) histogram.record(random.below(widest));
    const auto whole = histogram.snapshot();
    scale = whole.scale;
    const auto delta = converter.convert(rack, point(10 + round, whole));
    ASSERT_TRUE(delta) << round;
    const auto& data = std::get<model::ExponentialHistogram>(delta->data);
    EXPECT_EQ(data.count, 50U);
    std::uint64_t in_buckets = data.zero_count;
    for (const auto one : data.buckets) in_buckets += one;
    EXPECT_EQ(in_buckets, data.count);
    if (!data.buckets.empty()) {
      EXPECT_NE(data.buckets.front(), 0U);
      EXPECT_NE(data.buckets.back(), 0U);
    }
    count += data.count;
    sum += data.sum;
    deltas.push_back(data);
  }
  const auto whole = histogram.snapshot();
  EXPECT_LT(scale, deltas.front().scale) << "the case was meant to downscale";
  EXPECT_EQ(count, whole.count);
  EXPECT_DOUBLE_EQ(sum, whole.sum);
  // Bucket by bucket at the last scale.
  std::vector<std::uint64_t> added(whole.buckets.size());
  for (const auto& delta : deltas)
    for (std::size_t i = 0; i < delta.buckets.size(); ++i) {
      const auto index = (delta.offset + static_cast<int>(i)) >> (delta.scale - whole.scale);
      added.at(static_cast<std::size_t>(index - whole.offset)) += delta.buckets[i];
    }
  EXPECT_EQ(added, whole.buckets);
}

TEST_F(Delta, AHistogramThatFellInOneBucketIsNotSent) {
  auto data = model::golden::histogram();
  EXPECT_TRUE(converter.convert(rack, point(10, data)));
  data.buckets = {2, 0, 69'999, 5};
  EXPECT_FALSE(converter.convert(rack, point(20, data)));
  EXPECT_EQ(converter.counters().fallen, 1U);
}

TEST_F(Delta, BucketsAtTheEdgesOfTheirRangeAreNoOverflow) {
  auto data = model::golden::histogram();
  data.offset = std::numeric_limits<std::int32_t>::max();
  EXPECT_TRUE(converter.convert(rack, point(10, data)));
  data.scale = -10;
  data.offset = std::numeric_limits<std::int32_t>::min();
  EXPECT_FALSE(converter.convert(rack, point(20, data)));
  data.scale = 6;
  data.offset = std::numeric_limits<std::int32_t>::max();
  EXPECT_FALSE(converter.convert(rack, point(30, data)));
  EXPECT_EQ(converter.counters().fallen, 2U);
}

TEST_F(Delta, ItsPointsAreSentAsDeltasWithoutMinAndMax) {
  const std::vector<model::Record> records = {*converter.convert(rack, point(10, model::golden::histogram())),
                                              *converter.convert(rack, point(10, model::Sum{1, true})),
                                              point(10, model::Sum{1, false})};
  const Batch batch{.resource = &rack, .records = sanitize::TestRecords::of(records)};
  const Options options{.encoding = Encoding::kJson, .limits = {}, .temporality = Temporality::kDelta};
  const auto out = encode(model::Signal::kMetrics, {&batch, 1}, options);
  ASSERT_EQ(out.payloads.size(), 1U);
  const std::string& body = out.payloads[0].body;
  EXPECT_EQ(test::count_of(body, "\"aggregationTemporality\":1"), 2U);
  EXPECT_EQ(test::count_of(body, R"("sum":{"aggregationTemporality":2,"dataPoints")"), 1U) << "may fall";
  EXPECT_EQ(test::count_of(body, "\"min\"") + test::count_of(body, "\"max\""), 0U);
}

}  // namespace
}  // namespace fluxrig::otlp
