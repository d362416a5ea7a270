#include "trace/probability.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.hpp"
#include "trace/context.hpp"

namespace fluxrig::trace {
namespace {

// The last 56 bits are 0xd9a6e8e4d5c2b1.
const std::string kIds = "00-4bf92f3577b34da6a3d9a6e8e4d5c2b1-00f067aa0ba902b7-";

TEST(Probability, ReadsThresholdAndRandomness) {
  const auto both = parse_probability("ot=th:c;rv:6e6d1a75832a2f");
  EXPECT_EQ(both.threshold, 0xc0000000000000U);
  EXPECT_EQ(both.randomness, 0x6e6d1a75832a2fU);
  EXPECT_EQ(parse_probability("a=1,ot=p:8;th:fd70a4;x:1,b=2").threshold, 0xfd70a400000000U);
  EXPECT_EQ(parse_probability("ot=th:0").threshold, 0U);
  EXPECT_EQ(parse_probability("ot=th:ffffffffffffff").threshold, 0xffffffffffffffU);
  EXPECT_EQ(parse_probability("ot=rv:00000000000000").randomness, 0U);
}

TEST(Probability, WhatBreaksItsFormIsAsIfItWereNotThere) {
  for (const char* state :
       {"", "a=1", "ot=p:8", "ot=th:", "ot=th", "ot=th:C", "ot=th:1g", "ot=th:000000000000000", "ot=xth:1",
        "ot= th:1", "ot@x=th:1", "xot=th:1", "a=ot=th:1", "ot=th:0x1", "ot=th:-1"})
    EXPECT_FALSE(parse_probability(state).threshold) << state;
  for (const char* state :
       {"ot=rv:", "ot=rv:1", "ot=rv:6e6d1a75832a2", "ot=rv:6e6d1a75832a2f0", "ot=rv:6E6D1A75832A2F"})
    EXPECT_FALSE(parse_probability(state).randomness) << state;
}

TEST(Probability, OfSeveralTheFirstCounts) {
  EXPECT_EQ(parse_probability("ot=th:8;th:c").threshold, 0x80000000000000U);
  EXPECT_EQ(parse_probability("ot=th:8,ot=th:c").threshold, 0x80000000000000U);
  EXPECT_FALSE(parse_probability("ot=th:zz;th:c").threshold);
}

// What ends with a space is left out of what we send on: the rest must mean the same with and without it.
TEST(Probability, ABrokenRandomnessHidesNoOther) {
  constexpr std::string_view kState = "ot=th:8;rv:$ ;rv:6e6d1a75832a2f;p:1";
  EXPECT_EQ(parse_probability(kState).randomness, 0x6e6d1a75832a2fU);
  EXPECT_EQ(parse_probability(without_threshold(kState)).randomness, 0x6e6d1a75832a2fU);
}

TEST(Probability, RandomnessIsTheTraceIdsUnlessStated) {
  const auto context = *parse_traceparent(kIds + "03");
  EXPECT_EQ(randomness_of(context.trace_id, {}), 0xd9a6e8e4d5c2b1U);
  EXPECT_EQ(randomness_of(context.trace_id, parse_probability("ot=rv:00000000000001")), 1U);
}

TEST(Probability, ThresholdsOfRatios) {
  EXPECT_EQ(threshold_of(1), 0U);
  EXPECT_EQ(threshold_of(0.5), 0x80000000000000U);
  EXPECT_EQ(threshold_of(0.25), 0xc0000000000000U);
  EXPECT_EQ(threshold_of(0.1), 0xe6666666666666U);
  EXPECT_EQ(threshold_of(std::ldexp(1, -56)), kRejectAll - 1);
  for (const double none : {0.0, -1.0, std::ldexp(1, -58), std::nan("")})
    EXPECT_EQ(threshold_of(none), kRejectAll);
  EXPECT_EQ(threshold_of(2), 0U);
}

TEST(Probability, FormatsWithoutZerosAtTheEndAndReadsItBack) {
  EXPECT_EQ(format_threshold(0), "0");
  EXPECT_EQ(format_threshold(0x80000000000000), "8");
  EXPECT_EQ(format_threshold(0xfd70a400000000), "fd70a4");
  EXPECT_EQ(format_threshold(1), "00000000000001");
  SeededRandom random(56);
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t threshold = random.next() >> (8 + i % 56) << i % 7 * 4 & (kRejectAll - 1);
    EXPECT_EQ(parse_probability("ot=th:" + format_threshold(threshold)).threshold, threshold);
  }
}

TEST(Probability, TakesOnlyTheThresholdOutAndMovesWhatWasChanged) {
  EXPECT_EQ(without_threshold("ot=th:8"), "");
  EXPECT_EQ(without_threshold("a=1,ot=th:8,b=2"), "a=1,b=2");
  EXPECT_EQ(without_threshold("a=1,ot=p:1;th:8;rv:6e6d1a75832a2f,b=2"), "ot=p:1;rv:6e6d1a75832a2f,a=1,b=2");
  EXPECT_EQ(without_threshold("a=1,ot=th:8,ot=rv:6e6d1a75832a2f"), "a=1");
  EXPECT_EQ(without_threshold("a=1,b=2"), "a=1,b=2");
  for (const char* state : {"a=1,ot=;th:8", "a=1,ot= ;th:8", "a=1,ot=x ;;th:8"})
    EXPECT_EQ(without_threshold(state), "a=1") << state;
}

TEST(Probability, PutsAThresholdInFrontInsteadOfAnother) {
  EXPECT_EQ(with_threshold("", "0"), "ot=th:0");
  EXPECT_EQ(with_threshold("a=1,b=2", "e66"), "ot=th:e66,a=1,b=2");
  EXPECT_EQ(with_threshold("a=1,ot=p:1;th:8;rv:6e6d1a75832a2f,b=2", "c"),
            "ot=th:c;p:1;rv:6e6d1a75832a2f,a=1,b=2");
  EXPECT_EQ(with_threshold("a=1,ot=th:8,ot=th:4", "c"), "ot=th:c,a=1");
}

TEST(Probability, AThresholdKeepsATracestateWithinItsLimits) {
  std::string full;
  for (int i = 0; i < 32; ++i) full += (i == 0 ? "k" : ",k") + std::to_string(i) + "=1";
  const std::string with = with_threshold(full, "8");
  EXPECT_EQ(std::count(with.begin(), with.end(), ','), 31);
  EXPECT_TRUE(with.starts_with("ot=th:8,k0=1,") && with.ends_with(",k30=1")) << with;
  const std::string wide = "ot=" + std::string(252, 'x') + ";y:1";
  EXPECT_EQ(with_threshold(wide, "8"), "ot=th:8;y:1") << "a value of at most 256 characters";
}

TEST(Extract, ErasesAThresholdThatTheSampledFlagContradicts) {
  struct Case {
    const char* flags;
    const char* received;
    const char* kept;
  };
  // Randomness d9a6...: reaches th:c and th:d, not th:e.
  for (const auto& one : {
           Case{"01", "a=1,ot=th:d", "a=1,ot=th:d"},
           Case{"01", "a=1,ot=th:0", "a=1,ot=th:0"},
           Case{"01", "a=1,ot=th:e", "a=1"},
           Case{"00", "a=1,ot=th:e", "a=1,ot=th:e"},
           Case{"00", "a=1,ot=th:d", "a=1"},
           Case{"01", "a=1,ot=th:e;rv:e0000000000000", "a=1,ot=th:e;rv:e0000000000000"},
           Case{"01", "a=1,ot=th:d;rv:c0000000000000", "ot=rv:c0000000000000,a=1"},
           Case{"01", "a=1,ot=th:zz", "a=1,ot=th:zz"},
           Case{"01", "a=1,ot=p:8;r:62", "a=1,ot=p:8;r:62"},
       })
    EXPECT_EQ(extract(kIds + one.flags, one.received)->tracestate, one.kept)
        << one.flags << " " << one.received;
}

}  // namespace
}  // namespace fluxrig::trace
