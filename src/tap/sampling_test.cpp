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

RecordHead answered(std::uint8_t flags) {
  RecordHead head;
  head.outcome = model::TransactionOutcome::kAnswered;
  head.trace_flags = flags;
  return head;
}

TEST(Sampling, KeepsFailedAndSlowTransactionsOfEveryTrace) {
  const Sampling none{.ratio = 0, .slow_nanos = 10};
  const auto caller = trace::parse_probability("ot=th:c");
  for (const std::uint8_t flags : {std::uint8_t{0}, trace::kSampled}) {
    auto head = answered(flags);
    EXPECT_EQ(none.threshold(head, caller, 9), trace::kRejectAll);
    EXPECT_EQ(none.threshold(head, caller, 10), 0U);
    for (const auto outcome : {model::TransactionOutcome::kFailed, model::TransactionOutcome::kTimedOut,
                               model::TransactionOutcome::kRefused, model::TransactionOutcome::kAbandoned}) {
      head.outcome = outcome;
      EXPECT_EQ(none.threshold(head, caller, 0), 0U);
    }
  }
}

TEST(Sampling, FollowsACallerThatDidNotSample) {
  EXPECT_EQ(Sampling{}.threshold(answered(0), {}, 0), trace::kRejectAll);
  EXPECT_EQ(Sampling{}.threshold(answered(trace::kSampled), {}, 0), 0U);
}

TEST(Sampling, TakesTheStricterOfTheRatioAndTheCallersThreshold) {
  const auto head = answered(trace::kSampled);
  const Sampling quarter{.ratio = 0.25};
  EXPECT_EQ(quarter.threshold(head, {}, 0), 0xc0000000000000U);
  EXPECT_EQ(quarter.threshold(head, trace::parse_probability("ot=th:8"), 0), 0xc0000000000000U);
  EXPECT_EQ(quarter.threshold(head, trace::parse_probability("ot=th:e"), 0), 0xe0000000000000U);
}

TEST(HeadSampler, SaysItsThreshold) {
  EXPECT_EQ(HeadSampler{}.tracestate(), "ot=th:0");
  EXPECT_EQ(HeadSampler{0.25}.tracestate(), "ot=th:c");
  EXPECT_EQ(HeadSampler{0}.tracestate(), "");
}

TEST(HeadSampler, DecidesAsTheSpansOfTheTraceAreKept) {
  SeededRandom random(12);
  const HeadSampler head(0.1);
  const auto stated = trace::parse_probability(head.tracestate());
  for (int i = 0; i < 10'000; ++i) {
    const auto id = make_trace_id(random);
    EXPECT_EQ(head.samples(id), is_sampled(id, 0.1));
    EXPECT_EQ(head.samples(id), trace::randomness_of(id, stated) >= *stated.threshold);
    EXPECT_TRUE(HeadSampler{}.samples(id));
    EXPECT_FALSE(HeadSampler{0}.samples(id));
  }
}

}  // namespace
}  // namespace fluxrig::tap
