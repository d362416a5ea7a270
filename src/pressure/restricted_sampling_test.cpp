#include "pressure/restricted_sampling.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace fluxrig::pressure {
namespace {

TEST(RestrictedSampling, KeepsItsRatioOfTheTraces) {
  SeededRandom random(20261128);
  const RestrictedSampling sampling{0.1};
  int kept = 0;
  for (int i = 0; i < 100'000; ++i) kept += sampling.keeps(TelemetryKind::kSpan, make_trace_id(random));
  EXPECT_NEAR(kept, 10'000, 400);  // over four standard deviations
}

TEST(RestrictedSampling, KeepsAllSpansAndLogsOfATraceOrNone) {
  SeededRandom random(7);
  const RestrictedSampling sampling{0.3};
  for (int i = 0; i < 1000; ++i) {
    const auto id = make_trace_id(random);
    EXPECT_EQ(sampling.keeps(TelemetryKind::kSpan, id), sampling.keeps(TelemetryKind::kLog, id));
  }
}

TEST(RestrictedSampling, WhatASmallerRatioKeepsALargerOneKeepsToo) {
  SeededRandom random(8);
  for (int i = 0; i < 10'000; ++i) {
    const auto id = make_trace_id(random);
    const bool smaller = RestrictedSampling{0.05}.keeps(TelemetryKind::kSpan, id);
    const bool larger = RestrictedSampling{0.2}.keeps(TelemetryKind::kSpan, id);
    EXPECT_TRUE(larger || !smaller);
  }
}

TEST(RestrictedSampling, MetricsAndWhatBelongsToNoTraceAreAlwaysKept) {
  SeededRandom random(9);
  const RestrictedSampling none{0.0};
  EXPECT_TRUE(none.keeps(TelemetryKind::kMetric, make_trace_id(random)));
  EXPECT_TRUE(none.keeps(TelemetryKind::kLog, TraceId{}));
  EXPECT_FALSE(none.keeps(TelemetryKind::kSpan, make_trace_id(random)));
  EXPECT_TRUE(RestrictedSampling{1.0}.keeps(TelemetryKind::kSpan, make_trace_id(random)));
}

}  // namespace
}  // namespace fluxrig::pressure
