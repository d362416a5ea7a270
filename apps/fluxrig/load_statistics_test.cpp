#include "fluxrig/load_statistics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/clock.hpp"
#include "fluxrig/load_engine.hpp"

namespace fluxrig::client {
namespace {

using testing::HasSubstr;

TEST(LoadStatistics, QuantilesAreWithinABucketOfTheTruth) {
  tap::Histogram histogram;
  for (std::uint64_t i = 1; i <= 10'000; ++i) histogram.record(i * 1000);
  const auto snapshot = histogram.snapshot();
  const double width = std::exp2(std::ldexp(1.0, -snapshot.scale));
  for (const double share : {0.5, 0.9, 0.99, 0.999}) {
    const double truth = share * 10'000 * 1000;
    EXPECT_LE(value_at(snapshot, share), truth * width) << share;
    EXPECT_GE(value_at(snapshot, share), truth / width) << share;
  }
  EXPECT_EQ(value_at(snapshot, 1.0), 10'000'000.0);
  EXPECT_EQ(value_at(tap::Histogram().snapshot(), 0.5), 0.0);
}

TEST(LoadStatistics, CountsErrorsByKind) {
  LoadStatistics statistics;
  for (int i = 0; i < 5; ++i) statistics.sent();
  statistics.answered(1'000'000, 200, true);
  statistics.answered(2'000'000, 503, false);
  statistics.lost(LoadError::kTimeout, 5'000'000'000);
  statistics.lost(LoadError::kClosed, 1'000'000);
  statistics.connect_failed();
  statistics.set_elapsed(kNanosPerSecond);
  EXPECT_EQ(statistics.error_count(), 4U);
  const auto json = statistics.summary_json({"http", "http://h/\"", 100, 2});
  EXPECT_THAT(json, HasSubstr(R"("answered":2,"succeeded":1,"per_second":2.0)"));
  EXPECT_THAT(json, HasSubstr(R"("statuses":{"200":1,"503":1})"));
  EXPECT_THAT(
      json, HasSubstr(R"("errors":{"connect":1,"closed":1,"timeout":1,"protocol":0,"unsent":0,"status":1})"));
  EXPECT_THAT(json, HasSubstr(R"("target":"http://h/\"")"));
  const auto text = statistics.summary({"http", "http://h/", 100, 2}, {});
  EXPECT_THAT(text, HasSubstr("errors      connect 1, closed 1, timeout 1, status 1"));
  EXPECT_THAT(text, HasSubstr("max 5000.00 ms  (from when each was due)"));
}

TEST(LoadStatistics, ProgressHasTheLatenciesOfItsSecondOnly) {
  LoadStatistics statistics;
  statistics.answered(8'000'000, 200, true);
  EXPECT_THAT(statistics.progress_line(kNanosPerSecond), HasSubstr("p50 8.00 ms"));
  statistics.answered(2'000'000, 200, true);
  EXPECT_THAT(statistics.progress_line(2 * kNanosPerSecond),
              HasSubstr("   2 s  sent 0  answered 2  errors 0  p50 2.00 ms"));
}

TEST(LoadPlan, OpenModelKnowsEachRequestBeforehand) {
  LoadPlan plan;
  plan.rate = 5000;
  plan.duration = 20 * kNanosPerSecond;
  EXPECT_EQ(plan.total(), 100'000U);
  EXPECT_EQ(plan.due(0), 0);
  EXPECT_EQ(plan.due(5000), kNanosPerSecond);
  EXPECT_EQ(plan.due(99'999), 19'999'800'000);
  plan.requests = 10;
  EXPECT_EQ(plan.total(), 10U);
  plan.rate = 0;
  plan.requests = 0;
  EXPECT_EQ(plan.total(), UINT64_MAX);
}

}  // namespace
}  // namespace fluxrig::client
