#include "pressure/tunnel_sensor.hpp"

#include <gtest/gtest.h>

namespace fluxrig::pressure {
namespace {

constexpr std::int64_t kSecond = kNanosPerSecond;
constexpr std::int64_t kMilli = kNanosPerMilli;
constexpr TunnelSensor::Options kOptions{};

// One message after the other for a while, ten a second, each acknowledged after `delay`. Returns the end.
std::int64_t traffic(TunnelSensor& sensor, std::int64_t from, std::int64_t seconds, std::int64_t delay) {
  std::int64_t at = from;
  for (; at < from + seconds * kSecond; at += 100 * kMilli) {
    sensor.sent(1000, {at});
    sensor.acknowledged(1000, delay, {at + delay});
  }
  return at + delay;
}

TEST(TunnelSensor, IsFineBeforeAnythingIsKnown) {
  const TunnelSensor sensor(kOptions);
  EXPECT_EQ(sensor.read({kSecond}), TunnelReading{});
}

TEST(TunnelSensor, SlowAcknowledgementsCountOnlyWhenTheyLast) {
  TunnelSensor sensor(kOptions);
  const auto calm = traffic(sensor, kSecond, 60, 50 * kMilli);
  EXPECT_EQ(sensor.read({calm}).level, 0);
  // One commit of a server that takes a second, and then as before.
  const auto spike = traffic(sensor, calm, 1, kSecond);
  EXPECT_EQ(sensor.read({spike}).level, 0);
  const auto again = traffic(sensor, spike, 10, 50 * kMilli);
  EXPECT_EQ(sensor.read({again}).level, 0);
  const auto slow = traffic(sensor, again, 5, kSecond);
  const auto reading = sensor.read({slow});
  EXPECT_EQ(reading.level, 1);
  EXPECT_GT(reading.ack_nanos, 900 * kMilli);
  EXPECT_LT(reading.baseline_nanos, 200 * kMilli);
  const auto better = traffic(sensor, slow, 5, 50 * kMilli);
  EXPECT_EQ(sensor.read({better}).level, 0);
}

TEST(TunnelSensor, AFastLinkMayBecomeManyTimesSlowerWithoutBeingSlow) {
  TunnelSensor sensor(kOptions);
  const auto calm = traffic(sensor, kSecond, 60, kMilli);
  const auto end =
      traffic(sensor, calm, 20, 100 * kMilli);  // a hundred times, and yet nothing to worry about
  EXPECT_EQ(sensor.read({end}).level, 0);
}

TEST(TunnelSensor, APathThatBecameLongerIsTheNewBaseline) {
  TunnelSensor sensor(kOptions);
  const auto calm = traffic(sensor, kSecond, 60, 50 * kMilli);
  const auto slow = traffic(sensor, calm, 5, 600 * kMilli);
  EXPECT_EQ(sensor.read({slow}).level, 1);
  const auto used = traffic(sensor, slow, 90, 600 * kMilli);
  EXPECT_EQ(sensor.read({used}).level, 0);
}

TEST(TunnelSensor, SilenceIsNotSlowness) {
  TunnelSensor sensor(kOptions);
  const auto calm = traffic(sensor, kSecond, 60, 50 * kMilli);
  const auto slow = traffic(sensor, calm, 5, 2 * kSecond);
  ASSERT_EQ(sensor.read({slow}).level, 1);
  EXPECT_EQ(sensor.read({slow + TunnelSensor::kForgetSlow + 1}).level, 0);
}

TEST(TunnelSensor, WhatIsInFlightWithoutAnyAnswerIsAStall) {
  TunnelSensor sensor(kOptions);
  const auto calm = traffic(sensor, kSecond, 10, 50 * kMilli);
  sensor.sent(4000, {calm});
  EXPECT_EQ(sensor.read({calm + kOptions.stall_after - 1}).level, 0);
  const auto reading = sensor.read({calm + kOptions.stall_after});
  EXPECT_EQ(reading.level, 2);
  EXPECT_EQ(reading.in_flight_bytes, 4000U);
  sensor.acknowledged(4000, kOptions.stall_after, {calm + kOptions.stall_after});
  EXPECT_EQ(sensor.read({calm + kOptions.stall_after}).level, 0);
}

TEST(TunnelSensor, OnASlowPathAStallTakesLonger) {
  TunnelSensor sensor(kOptions);
  const auto calm = traffic(sensor, kSecond, 30, 2 * kSecond);
  sensor.sent(1000, {calm});
  EXPECT_EQ(sensor.read({calm + 10 * kSecond}).level, 0);
  EXPECT_EQ(sensor.read({calm + 17 * kSecond}).level, 2);
}

TEST(TunnelSensor, AnsweredOutOfOrderNothingIsStalled) {
  TunnelSensor sensor(kOptions);
  sensor.sent(1000, {kSecond});
  std::int64_t at = kSecond;
  for (int i = 0; i < 100; ++i, at += 100 * kMilli) {
    sensor.sent(1000, {at});
    sensor.acknowledged(1000, 50 * kMilli, {at + 50 * kMilli});
    EXPECT_EQ(sensor.read({at + 60 * kMilli}).level, 0);
  }
  sensor.failed(1000, {at});
  EXPECT_EQ(sensor.read({at}).level, 0);
}

TEST(TunnelSensor, AfterAStallItIsTriedAgainEachTimeLater) {
  TunnelSensor sensor(kOptions);
  std::int64_t now = traffic(sensor, kSecond, 10, 50 * kMilli);
  for (std::int64_t hold = kOptions.first_retry; hold <= 2 * kOptions.longest_retry; hold *= 2) {
    for (int i = 0; i < 3; ++i) sensor.sent(1000, {now});
    now += 5 * kSecond;
    for (int i = 0; i < 3; ++i) sensor.failed(1000, {now});  // together: one failed trial
    const auto expected = std::min(hold, kOptions.longest_retry);
    EXPECT_EQ(sensor.read({now + expected - 1}).level, 2);
    EXPECT_EQ(sensor.read({now + expected}).level, 1);
    now += expected;
  }
  EXPECT_EQ(sensor.read({now}).in_flight_bytes, 0U);
  sensor.sent(1000, {now});
  sensor.acknowledged(1000, 50 * kMilli, {now + 50 * kMilli});
  EXPECT_EQ(sensor.read({now + 50 * kMilli}).level, 0);
}

TEST(TunnelSensor, ATrialThatNobodyMakesEndsByItself) {
  TunnelSensor sensor(kOptions);
  sensor.sent(1000, {kSecond});
  sensor.failed(1000, {6 * kSecond});
  ASSERT_EQ(sensor.read({7 * kSecond}).level, 2);
  const auto trial = 6 * kSecond + kOptions.first_retry;
  EXPECT_EQ(sensor.read({trial}).level, 1);
  EXPECT_EQ(sensor.read({trial + TunnelSensor::kForgetSlow}).level, 0);
}

TEST(TunnelSensor, ABusinessMessageThatIsAnsweredEndsAStall) {
  TunnelSensor sensor(kOptions);
  sensor.sent(1000, {kSecond});
  ASSERT_EQ(sensor.read({5 * kSecond}).level, 2);
  sensor.observe(50 * kMilli, {5 * kSecond});
  EXPECT_EQ(sensor.read({5 * kSecond}).level, 0);
}

TEST(TunnelSensor, AConnectionThatKeepsBreakingIsSlowThenStalledThenForgiven) {
  TunnelSensor sensor(kOptions);
  const std::uint8_t expected[] = {0, 0, 1, 1, 1, 2, 2};
  std::int64_t now = 100 * kSecond;
  for (const auto level : expected) {
    sensor.disconnected({now});
    EXPECT_EQ(sensor.read({now}).level, level);
    now += 4 * kSecond;
  }
  EXPECT_EQ(sensor.read({now + TunnelSensor::kRecent}).level, 0);
}

TEST(TunnelSensor, WhatWasInFlightIsGoneWithItsConnection) {
  TunnelSensor sensor(kOptions);
  sensor.sent(5000, {kSecond});
  sensor.disconnected({2 * kSecond});
  EXPECT_EQ(sensor.read({100 * kSecond}), TunnelReading{});
}

}  // namespace
}  // namespace fluxrig::pressure
