// What the window grants message by message, and what it forgets.
#include <gtest/gtest.h>

#include "pressure/window_sender.hpp"

namespace fluxrig::pressure {
namespace {

// Woken at its turn, and then kept by a budget: a burst afterwards would be one more chunk for all others.
TEST(TunnelWindow, WhatItWaitsForBesideThePaceIsNotMadeUpFor) {
  TunnelWindow window({});
  MonotonicNanos now{kSecond};
  for (int i = 0; i < 4; ++i) {
    const auto ticket = window.sent(1000, now);
    now.value += 55 * kMilli;
    window.acknowledged(ticket, now);
  }
  (void)window.sent(300, now);
  for (int i = 0; i < 4; ++i) {
    ASSERT_FALSE(window.may_send(300, now)) << i << ": two at once";
    const MonotonicNanos turn = window.next_send();
    ASSERT_TRUE(window.may_send(300, turn)) << i;
    now = {turn.value + 20 * kMilli};
    (void)window.sent(300, now);
  }
}

TEST(TunnelWindow, BelowOneChunkARoundTripItPacesAndNeverStops) {
  // A queue of others that never drains: 2 s on a path of 100 ms.
  TunnelWindow window({});
  MonotonicNanos now{kSecond};
  window.acknowledged(window.sent(1024, now), {now.value + 100 * kMilli});
  std::int64_t last = 0, longest = 0;
  int sent = 0;
  for (int i = 0; i < 60; ++i) {
    now = {std::max(now.value + 2100 * kMilli, window.next_send().value)};
    ASSERT_TRUE(window.may_send(window.chunk_bytes(), now)) << i;
    if (last != 0) longest = std::max(longest, now.value - last);
    last = now.value;
    window.acknowledged(window.sent(window.chunk_bytes(), now), {now.value + 2100 * kMilli});
    ++sent;
  }
  EXPECT_EQ(sent, 60);
  EXPECT_LT(longest, 5 * kSecond);
}

// Not a queue: from now on all is answered 5 ms later, and business messages as well.
TEST(TunnelWindow, BelievesALongerPathOnceMessagesAloneOnItAreLate) {
  Sender run(link_of(4e6, 45), 12);
  run.until(60 * kSecond);
  run.drain();
  TunnelWindow& window = run.window();
  MonotonicNanos now{run.now()};
  const std::int64_t delay = window.base_nanos() + 5 * kMilli;
  std::uint64_t least = window.window_bytes();
  for (int i = 0; i < 60; ++i) {
    now = std::max(now, window.next_send());
    const auto ticket = window.sent(1024, now);
    now.value += delay;
    window.observe(300, delay, now);
    window.acknowledged(ticket, now);
    least = std::min(least, window.window_bytes());
  }
  EXPECT_NEAR(static_cast<double>(window.base_nanos()), static_cast<double>(delay), 2.0 * kMilli);
  EXPECT_GE(window.window_bytes(), 2 * window.chunk_bytes()) << "it was " << least;
}

TEST(TunnelWindow, AMessageLargerThanTheWindowGoesAlone) {
  TunnelWindow window({});
  EXPECT_TRUE(window.may_send(1 << 20, {kSecond}));
  const auto ticket = window.sent(1 << 20, {kSecond});
  EXPECT_FALSE(window.may_send(1, {kSecond}));
  window.acknowledged(ticket, {2 * kSecond});
  EXPECT_EQ(window.in_flight_bytes(), 0U);
  EXPECT_TRUE(window.may_send(1024, std::max(window.next_send(), MonotonicNanos{2 * kSecond})));
}

TEST(TunnelWindow, ALargeMessageGoesBesideASteadyFlowOfSmallOnes) {
  TunnelWindow window({});
  const auto first = window.sent(700, {kSecond});
  EXPECT_TRUE(window.may_send(1024, {kSecond}));
  EXPECT_TRUE(window.may_send(20'000, {kSecond})) << "there is always a small one in flight";
  const auto second = window.sent(20'000, {kSecond});
  EXPECT_FALSE(window.may_send(1, {kSecond})) << "one of them is all that goes beyond the window";
  window.acknowledged(first, {kSecond + kMilli});
  window.acknowledged(second, {kSecond + 2 * kMilli});
}

TEST(TunnelWindow, FailuresOfOneRoundTripCountOnceAndGiveTheirRoomBack) {
  Sender run(link_of(10e6, 100), 9);
  run.until(60 * kSecond);
  TunnelWindow window = run.window();
  const auto before = window.window_bytes();
  std::vector<TunnelWindow::Ticket> tickets;
  for (int i = 0; i < 10; ++i) tickets.push_back(window.sent(1024, {run.now()}));
  const auto loaded = window.in_flight_bytes();
  for (const auto& ticket : tickets) window.failed(ticket, {run.now() + 5 * kSecond});
  EXPECT_EQ(loaded - window.in_flight_bytes(), 10'240U);
  EXPECT_NEAR(static_cast<double>(window.window_bytes()), static_cast<double>(before) / 2, 1024);
}

TEST(TunnelWindow, WhatBelongedToALostConnectionIsForgotten) {
  TunnelWindow window({});
  const auto ticket = window.sent(1024, {kSecond});
  window.disconnected();
  EXPECT_EQ(window.in_flight_bytes(), 0U);
  const auto next = window.sent(1024, {2 * kSecond});
  window.acknowledged(ticket, {3 * kSecond});
  window.failed(ticket, {3 * kSecond});
  EXPECT_EQ(window.in_flight_bytes(), 1024U);
  EXPECT_EQ(window.base_nanos(), 0);
  window.acknowledged(next, {2 * kSecond + 50 * kMilli});
  EXPECT_EQ(window.base_nanos(), 50 * kMilli);
}

TEST(TunnelWindow, AfterASilenceItStartsSmallAgain) {
  Sender run(link_of(10e6, 100), 10);
  run.until(60 * kSecond);
  run.drain();
  TunnelWindow& window = run.window();
  ASSERT_GT(window.window_bytes(), 100'000U);
  const auto chunk = window.chunk_bytes();
  (void)window.sent(chunk, {run.now() + 10 * kSecond});
  EXPECT_LE(window.window_bytes(), 2 * chunk);
}

}  // namespace
}  // namespace fluxrig::pressure
