#include "rack/sampler_environment.hpp"

#include <gtest/gtest.h>

namespace fluxrig::rack {
namespace {

constexpr const char* kRatio = "FLUXRIG_TELEMETRY_SAMPLING_RATIO";

// The ratio that comes of it; "" when none does.
std::string ratio_of(const Environment& otel, std::size_t warnings = 0, Environment variables = {}) {
  EXPECT_EQ(apply_sampler(otel, variables).size(), warnings);
  const auto found = variables.find(kRatio);
  return found == variables.end() ? "" : found->second;
}

TEST(SamplerEnvironment, TheParentBasedSamplersAreRatios) {
  EXPECT_EQ(ratio_of({{"OTEL_TRACES_SAMPLER", "parentbased_always_on"}}), "1");
  EXPECT_EQ(ratio_of({{"OTEL_TRACES_SAMPLER", "parentbased_always_off"}}), "0");
  EXPECT_EQ(
      ratio_of({{"OTEL_TRACES_SAMPLER", "parentbased_traceidratio"}, {"OTEL_TRACES_SAMPLER_ARG", "0.25"}}),
      "0.25");
  EXPECT_EQ(ratio_of({{"OTEL_TRACES_SAMPLER", "parentbased_traceidratio"}}), "1");
}

TEST(SamplerEnvironment, UnsetAndEmptySayNothing) {
  EXPECT_EQ(ratio_of({}), "");
  EXPECT_EQ(ratio_of({{"OTEL_TRACES_SAMPLER", ""}, {"OTEL_TRACES_SAMPLER_ARG", "0.5"}}), "");
  EXPECT_EQ(ratio_of({{"OTEL_TRACES_SAMPLER", "parentbased_traceidratio"}, {"OTEL_TRACES_SAMPLER_ARG", ""}}),
            "1");
}

TEST(SamplerEnvironment, WhatCannotBeUsedWarnsAndIsIgnored) {
  EXPECT_EQ(ratio_of({{"OTEL_TRACES_SAMPLER", "traceidratio"}, {"OTEL_TRACES_SAMPLER_ARG", "0.5"}}, 1), "");
  EXPECT_EQ(ratio_of({{"OTEL_TRACES_SAMPLER", "jaeger_remote"}}, 1), "");
  for (const char* wrong : {"half", "1.5", "-0.1", "0.5x", "nan"})
    EXPECT_EQ(
        ratio_of({{"OTEL_TRACES_SAMPLER", "parentbased_traceidratio"}, {"OTEL_TRACES_SAMPLER_ARG", wrong}},
                 1),
        "1")
        << wrong;
}

TEST(SamplerEnvironment, OurOwnVariableGoesBefore) {
  EXPECT_EQ(ratio_of({{"OTEL_TRACES_SAMPLER", "parentbased_always_off"}}, 0, {{kRatio, "0.7"}}), "0.7");
}

}  // namespace
}  // namespace fluxrig::rack
