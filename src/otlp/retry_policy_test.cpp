#include "otlp/retry_policy.hpp"

#include <gtest/gtest.h>

namespace fluxrig::otlp {
namespace {

constexpr std::int64_t kSecond = kNanosPerSecond;

Answer with_status(unsigned status) { return {.kind = Answer::Kind::kAnswered, .status = status}; }

TEST(RetryPolicy, OnlyTheFourRetryableStatusesAreRetried) {
  for (unsigned status = 100; status < 600; ++status) {
    const bool retried = status == 429 || status == 502 || status == 503 || status == 504;
    EXPECT_EQ(judge(with_status(status)) == Verdict::kRetry, retried) << status;
    EXPECT_EQ(judge(with_status(status)) == Verdict::kDelivered, status / 100 == 2) << status;
  }
}

TEST(RetryPolicy, NoAnswerIsRetriedAndTooLargeAnOneIsNot) {
  EXPECT_EQ(judge({.kind = Answer::Kind::kNone}), Verdict::kRetry);
  EXPECT_EQ(judge({.kind = Answer::Kind::kTooLarge, .status = 200}), Verdict::kUnusable);
  EXPECT_EQ(judge({.kind = Answer::Kind::kTooLarge, .status = 503}), Verdict::kUnusable);
}

TEST(Backoff, WaitsGrowWithinTheirJitterUpToTheMost) {
  SeededRandom random(7);
  Backoff backoff({.first = kSecond, .most = 4 * kSecond, .give_up = 1'000 * kSecond});
  double nominal = 1;
  for (int i = 0; i < 12; ++i) {
    const MonotonicNanos now{i * 10 * kSecond};
    const auto wait = backoff.after({0}, now, std::nullopt, random);
    const double seconds = static_cast<double>(wait.until.value - now.value) / 1e9;
    EXPECT_GE(seconds, nominal * 0.5 - 1e-6) << i;
    EXPECT_LE(seconds, nominal * 1.5 + 1e-6) << i;
    EXPECT_FALSE(wait.give_up);
    nominal = std::min(nominal * 1.5, 4.0);
  }
}

TEST(Backoff, JitterIsSpreadOverTheWholeRange) {
  SeededRandom random(7);
  std::int64_t least = INT64_MAX;
  std::int64_t most = 0;
  for (int i = 0; i < 1'000; ++i) {
    Backoff backoff({});
    const auto wait = backoff.after({0}, {0}, std::nullopt, random).until.value;
    least = std::min(least, wait);
    most = std::max(most, wait);
  }
  EXPECT_LT(least, kSecond * 52 / 100);
  EXPECT_GT(most, kSecond * 148 / 100);
}

TEST(Backoff, ResetBeginsAnew) {
  SeededRandom random(7);
  Backoff backoff({});
  for (int i = 0; i < 20; ++i) (void)backoff.after({0}, {0}, std::nullopt, random);
  backoff.reset();
  EXPECT_LE(backoff.after({0}, {0}, std::nullopt, random).until.value, kSecond * 3 / 2);
}

TEST(Backoff, RetryAfterIsHonouredAndHardlyExceeded) {
  SeededRandom random(7);
  for (int i = 0; i < 100; ++i) {
    Backoff backoff({});
    const auto wait = backoff.after({0}, {5 * kSecond}, 20 * kSecond, random);
    EXPECT_GE(wait.until.value, 25 * kSecond);
    EXPECT_LE(wait.until.value, 27 * kSecond);
  }
}

TEST(Backoff, RetryAfterOfNothingIsSoonButNotAtOnce) {
  SeededRandom random(7);
  Backoff backoff({});
  for (const std::int64_t asked : {std::int64_t{0}, std::int64_t{1}, kSecond / 100})
    EXPECT_EQ(backoff.after({0}, {kSecond}, asked, random).until.value,
              kSecond + kSecond / Backoff::kLeastPart);
}

TEST(RetryPolicy, OfGrpcTheCodeDecidesAndForOneOfThemTheServersWish) {
  const auto verdict = [](unsigned code, std::optional<std::int64_t> wish = {}) {
    return judge(
        {.kind = Answer::Kind::kAnswered, .status = code, .retry_after_nanos = wish, .is_grpc = true});
  };
  EXPECT_EQ(verdict(0), Verdict::kDelivered);
  EXPECT_EQ(verdict(14), Verdict::kRetry);
  EXPECT_EQ(verdict(8), Verdict::kRefused);
  EXPECT_EQ(verdict(8, 0), Verdict::kRetry);
  EXPECT_EQ(verdict(3, kSecond), Verdict::kRefused);
  EXPECT_EQ(verdict(200), Verdict::kRefused);
}

TEST(Backoff, GivesUpBeforeAnAttemptThatWouldBeTooLate) {
  SeededRandom random(7);
  Backoff backoff({.first = kSecond, .most = kSecond, .give_up = 10 * kSecond});
  EXPECT_FALSE(backoff.after({0}, {8 * kSecond}, std::nullopt, random).give_up);
  EXPECT_TRUE(backoff.after({0}, {10 * kSecond}, std::nullopt, random).give_up);
  // The next request waits all the same.
  const auto told = backoff.after({0}, {kSecond}, 60 * kSecond, random);
  EXPECT_TRUE(told.give_up);
  EXPECT_GE(told.until.value, 61 * kSecond);
}

}  // namespace
}  // namespace fluxrig::otlp
