#include "pressure/lease_keeper.hpp"

#include <gtest/gtest.h>

namespace fluxrig::pressure {
namespace {

constexpr std::int64_t kSecond = kNanosPerSecond;

model::PressureLease lease(std::uint64_t sequence, std::uint8_t level = 0, std::int64_t started = 1) {
  model::PressureLease made;
  made.mixer_started = {started};
  made.sequence = sequence;
  made.level = level;
  made.lease_ms = 6000;
  return made;
}

TEST(LeaseKeeper, WithoutAnyLeaseTheMixerIsAnOlderOne) {
  const LeaseKeeper keeper;
  EXPECT_EQ(keeper.view({kSecond}).standing, LeaseStanding::kNone);
  EXPECT_FALSE(keeper.next_change({kSecond}));
}

TEST(LeaseKeeper, ALeaseIsValidForItsTimeAfterItsArrival) {
  LeaseKeeper keeper;
  EXPECT_TRUE(keeper.take(lease(1, 2), {kSecond}));
  EXPECT_EQ(keeper.view({7 * kSecond - 1}).standing, LeaseStanding::kValid);
  EXPECT_EQ(keeper.view({7 * kSecond - 1}).lease.level, 2);
  EXPECT_EQ(keeper.next_change({kSecond}), (MonotonicNanos{7 * kSecond}));
  EXPECT_EQ(keeper.view({7 * kSecond}).standing, LeaseStanding::kExpired);
  EXPECT_FALSE(keeper.next_change({7 * kSecond}));
}

TEST(LeaseKeeper, OneThatWasOvertakenIsNotFollowed) {
  LeaseKeeper keeper;
  EXPECT_TRUE(keeper.take(lease(5, 2), {kSecond}));
  EXPECT_FALSE(keeper.take(lease(4, 0), {2 * kSecond}));
  EXPECT_EQ(keeper.view({3 * kSecond}).lease.level, 2);
  EXPECT_EQ(keeper.view({7 * kSecond}).standing, LeaseStanding::kExpired);
}

TEST(LeaseKeeper, AMixerThatStartedAgainIsFollowedFromItsFirstLease) {
  LeaseKeeper keeper;
  EXPECT_TRUE(keeper.take(lease(500, 2, 1), {kSecond}));
  EXPECT_TRUE(keeper.take(lease(1, 0, 2), {2 * kSecond}));
  EXPECT_EQ(keeper.view({3 * kSecond}).lease.level, 0);
}

TEST(LeaseKeeper, AnOlderMixerInThePlaceOfANewerOneIsRecognisedByItsWelcome) {
  LeaseKeeper keeper;
  ASSERT_TRUE(keeper.take(lease(1), {kSecond}));
  keeper.welcomed({2 * kSecond});  // while the lease is valid: says nothing
  EXPECT_EQ(keeper.view({1000 * kSecond}).standing, LeaseStanding::kExpired);
  keeper.welcomed({2000 * kSecond});
  EXPECT_EQ(keeper.next_change({2001 * kSecond}), (MonotonicNanos{2010 * kSecond}));
  EXPECT_EQ(keeper.view({2010 * kSecond - 1}).standing, LeaseStanding::kExpired);
  EXPECT_EQ(keeper.view({2010 * kSecond}).standing, LeaseStanding::kNone);
  // And the newer one again.
  ASSERT_TRUE(keeper.take(lease(2, 1), {2020 * kSecond}));
  EXPECT_EQ(keeper.view({2021 * kSecond}).standing, LeaseStanding::kValid);
  EXPECT_EQ(keeper.view({2030 * kSecond}).standing, LeaseStanding::kExpired);
}

}  // namespace
}  // namespace fluxrig::pressure
