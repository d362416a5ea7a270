#include "pressure/fair_share.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace fluxrig::pressure {
namespace {

std::vector<std::uint64_t> granted(std::uint64_t budget, std::vector<Claim> claims) {
  share_fairly(budget, claims);
  std::vector<std::uint64_t> grants;
  for (const auto& claim : claims) grants.push_back(claim.granted);
  return grants;
}

TEST(FairShare, FollowsTheWeights) {
  EXPECT_EQ(granted(400, {{1, 1000, 0}, {3, 1000, 0}}), (std::vector<std::uint64_t>{100, 300}));
}

TEST(FairShare, WhatOneCannotUseGoesToTheOthers) {
  EXPECT_EQ(granted(300, {{1, 1000, 0}, {1, 10, 0}, {1, 1000, 0}}),
            (std::vector<std::uint64_t>{145, 10, 145}));
}

TEST(FairShare, GivesAllTheyCanUseWhenThereIsEnough) {
  EXPECT_EQ(granted(1000, {{1, 10, 0}, {9, 20, 0}}), (std::vector<std::uint64_t>{10, 20}));
}

TEST(FairShare, GivesNothingWithoutWeightUseOrBudget) {
  EXPECT_EQ(granted(100, {{0, 50, 0}, {1, 0, 0}}), (std::vector<std::uint64_t>{0, 0}));
  EXPECT_EQ(granted(0, {{1, 50, 0}}), (std::vector<std::uint64_t>{0}));
  EXPECT_TRUE(granted(100, {}).empty());
}

TEST(FairShare, KeepsToABudgetAtTheEndOfTheScale) {
  const auto grants = granted(UINT64_MAX, {{1, UINT64_MAX, 0}, {1, UINT64_MAX, 0}});
  EXPECT_LE(grants[0], UINT64_MAX - grants[1]);
}

// Max-min fairness: whoever got less than they can use has no less, for their weight, than anybody else.
TEST(FairShare, IsMaxMinFairForAnyClaims) {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    SeededRandom random(seed);
    std::vector<Claim> claims(random.below(40));
    for (auto& claim : claims)
      claim = {static_cast<double>(random.below(10)),
               random.below(3) == 0 ? random.below(50) : random.below(100'000), random.below(1000)};
    const std::uint64_t budget = random.below(500'000);
    share_fairly(budget, claims);
    std::uint64_t sum = 0;
    std::uint64_t usable = 0;
    for (const auto& claim : claims) {
      sum += claim.granted;
      if (claim.weight > 0) usable += claim.most;
      ASSERT_LE(claim.granted, claim.weight > 0 ? claim.most : 0) << "seed " << seed;
    }
    ASSERT_LE(sum, budget) << "seed " << seed;
    ASSERT_GE(sum + claims.size(), std::min(budget, usable))
        << "seed " << seed << ": some of it was kept back";
    for (const auto& one : claims)
      for (const auto& other : claims) {
        if (one.weight <= 0 || one.granted == one.most || other.granted == 0) continue;
        // Fractions are cut off, and what that leaves goes to those that come later.
        const double rounding = 1 / one.weight + static_cast<double>(claims.size()) / other.weight;
        ASSERT_GE(static_cast<double>(one.granted) / one.weight + rounding,
                  static_cast<double>(other.granted) / other.weight)
            << "seed " << seed;
      }
  }
}

}  // namespace
}  // namespace fluxrig::pressure
