#include "tap/sampling.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace fluxrig::tap {
namespace {

TEST(Sampling, KeepsItsRatioOfTheTraces) {
  SeededRandom random(20261128);
  int kept = 0;
  for (int i = 0; i < 100'000; ++i) kept += is_sampled(make_trace_id(random), 0.1);
  EXPECT_NEAR(kept, 10'000, 400);  // over four standard deviations
}

TEST(Sampling, WhatASmallerRatioKeepsALargerOneKeepsToo) {
  SeededRandom random(8);
  for (int i = 0; i < 10'000; ++i) {
    const auto id = make_trace_id(random);
    EXPECT_TRUE(is_sampled(id, 0.2) || !is_sampled(id, 0.05));
  }
}

TEST(Sampling, TheWholeAndNothingAreExact) {
  SeededRandom random(9);
  for (int i = 0; i < 1000; ++i) {
    const auto id = make_trace_id(random);
    EXPECT_TRUE(is_sampled(id, 1.0));
    EXPECT_FALSE(is_sampled(id, 0.0));
  }
}

}  // namespace
}  // namespace fluxrig::tap
