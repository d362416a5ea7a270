#include "pressure/window_push.hpp"

#include <gtest/gtest.h>

namespace fluxrig::pressure {
namespace {

constexpr std::int64_t kMilli = kNanosPerMilli;
constexpr std::int64_t kRoundTrip = 40 * kMilli;
using Verdict = WindowPush::Verdict;

// A push of 100 kB at 40 ms, where a quarter more would wait for 10 ms on a link that is the limit.
class WindowPushTest : public ::testing::Test {
 protected:
  Verdict play(std::int64_t queueing, double in_flight) {
    EXPECT_TRUE(push_.may_begin(now_));
    EXPECT_EQ(push_.begin(100e3, now_), 125e3);
    for (int i = 0; i < 100; ++i) {
      now_.value += 5 * kMilli;
      const std::int64_t late = queueing + i % 2 * kMilli;
      const auto verdict = push_.follow(
          {{now_.value - kRoundTrip}, late, queueing, 2 * kMilli, in_flight, 2.5e6, kRoundTrip}, now_);
      if (verdict != Verdict::kUnderWay) return verdict;
    }
    return Verdict::kUnderWay;
  }

  WindowPush push_;
  MonotonicNanos now_{kNanosPerSecond};
};

TEST_F(WindowPushTest, HelpsWhereNothingWaitsForIt) {
  EXPECT_EQ(play(3 * kMilli, 120e3), Verdict::kHelped);
  EXPECT_NEAR(static_cast<double>(push_.spread()), kMilli / 2.0, kMilli / 10.0);
  EXPECT_FALSE(push_.may_begin(now_));
  EXPECT_TRUE(push_.may_begin({now_.value + kRoundTrip})) << "the next one follows";
}

TEST_F(WindowPushTest, BesideBusinessTheNextIsFarAwayUnlessItHelped) {
  push_.beside_business(true);
  EXPECT_EQ(play(9 * kMilli, 120e3), Verdict::kQueued);
  EXPECT_FALSE(push_.may_begin({now_.value + 999 * kRoundTrip}));
  now_.value += 1000 * kRoundTrip;
  EXPECT_EQ(play(3 * kMilli, 50e3), Verdict::kSparse);
  EXPECT_FALSE(push_.may_begin({now_.value + 999 * kRoundTrip}));
  now_.value += 1000 * kRoundTrip;
  EXPECT_EQ(play(3 * kMilli, 120e3), Verdict::kHelped);
  EXPECT_TRUE(push_.may_begin({now_.value + kRoundTrip}));
}

TEST_F(WindowPushTest, IsTakenBackWhereAllOfItWaits) {
  EXPECT_EQ(play(9 * kMilli, 120e3), Verdict::kQueued);
  EXPECT_EQ(push_.window_before(), 100e3);
  EXPECT_EQ(push_.ended_at(), now_);
}

TEST_F(WindowPushTest, EndsAtOnceWhenMoreWaitsThanItCanHaveMade) {
  const auto began = now_;
  EXPECT_EQ(play(13 * kMilli, 120e3), Verdict::kQueued);
  EXPECT_EQ(now_.value - began.value, 5 * kMilli);
}

TEST_F(WindowPushTest, TellsNothingOfASenderWithoutEnoughToSend) {
  EXPECT_EQ(play(0, 90e3), Verdict::kSparse);
  EXPECT_FALSE(push_.may_begin({now_.value + 2 * kNanosPerSecond}));
  EXPECT_TRUE(push_.may_begin({now_.value + 3 * kNanosPerSecond}));
}

TEST_F(WindowPushTest, EachThatFailsDoublesThePauseUpToALimit) {
  for (const std::int64_t pause : {16, 32, 64, 128, 160, 160}) {
    ASSERT_EQ(play(9 * kMilli, 120e3), Verdict::kQueued);
    EXPECT_EQ(push_.pause_nanos(), pause * kNanosPerSecond);
    EXPECT_FALSE(push_.may_begin({now_.value + pause * kNanosPerSecond - 1}));
    now_.value += pause * kNanosPerSecond;
  }
}

}  // namespace
}  // namespace fluxrig::pressure
