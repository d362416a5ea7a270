#include "otlp/retry_after.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fluxrig::otlp {
namespace {

constexpr std::int64_t kSecond = kNanosPerSecond;
// 1994-11-06 08:49:37 UTC, the example of RFC 9110.
constexpr std::int64_t kExample = 784'111'777;

UnixNanos at(std::int64_t seconds) { return {seconds * kSecond}; }

TEST(RetryAfter, SecondsAreTakenAsTheyStand) {
  EXPECT_EQ(parse_retry_after("0", at(kExample)), 0);
  EXPECT_EQ(parse_retry_after("120", at(kExample)), 120 * kSecond);
  EXPECT_EQ(parse_retry_after("  7\t", at(kExample)), 7 * kSecond);
}

TEST(RetryAfter, LongTimesAreBounded) {
  EXPECT_EQ(parse_retry_after("3601", at(kExample)), kMaxRetryAfter);
  EXPECT_EQ(parse_retry_after(std::string(400, '9'), at(kExample)), kMaxRetryAfter);
  EXPECT_EQ(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", at(kExample)), kMaxRetryAfter);
}

TEST(RetryAfter, TheThreeFormsOfADateAreTheSameMoment) {
  for (const auto* text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(parse_http_date(text, at(kExample)), kExample) << text;
    EXPECT_EQ(parse_retry_after(text, at(kExample - 30)), 30 * kSecond) << text;
  }
}

TEST(RetryAfter, ADateIsCountedFromTheMomentItself) {
  const UnixNanos half{kExample * kSecond - kSecond / 2};
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", half), kSecond / 2);
}

TEST(RetryAfter, ADateThatHasPassedIsNow) {
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", at(kExample)), 0);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", at(1'700'000'000)), 0);
}

TEST(RetryAfter, ATwoDigitYearIsNeverMoreThanFiftyYearsAhead) {
  // 2026: 76 is 2076, 77 is 1977.
  const auto now = at(1'790'000'000);
  EXPECT_EQ(parse_http_date("Wednesday, 01-Jan-76 00:00:00 GMT", now), 3'345'062'400);
  EXPECT_EQ(parse_http_date("Saturday, 01-Jan-77 00:00:00 GMT", now), 220'924'800);
}

TEST(RetryAfter, WhatIsNeitherIsAbsent) {
  for (const auto* text :
       {"", " ", "-1", "+5", "1.5", "5s", "soon", "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ,", "sun, 06 nov 1994 08:49:37 gmt"})
    EXPECT_EQ(parse_retry_after(text, at(kExample)), std::nullopt) << text;
}

}  // namespace
}  // namespace fluxrig::otlp
