#include "pressure/fleet_budget.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "base/random.hpp"

namespace fluxrig::pressure {
namespace {

constexpr std::int64_t kSecond = kNanosPerSecond;
constexpr std::uint64_t kMiB = 1U << 20;

MachineId machine(std::uint64_t number) {
  MachineId id;
  for (std::size_t i = 0; i < 8; ++i) id.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return id;
}

class FleetBudgetTest : public testing::Test {
 protected:
  // An estimate of 10 MiB/s.
  FleetBudgetTest() {
    budget_.observe({now_});
    now_.value += kSecond;
    budget_.observe({now_, 10 * kMiB, kSecond / 2});
  }
  void report(std::uint64_t number, const RackDemand& demand) {
    budget_.report(machine(number), demand, now_);
  }
  std::uint64_t replay(std::uint64_t number) const {
    return budget_.grant(machine(number)).replay_bytes_per_s;
  }

  MonotonicNanos now_;
  FleetBudget budget_{{}};
};

TEST_F(FleetBudgetTest, ReservesLiveDemandFirst) {
  report(1, {0, 4 * kMiB, 0});
  report(2, {1'000 * kMiB, 2 * kMiB, std::nullopt});
  budget_.share(0, now_);
  EXPECT_EQ(replay(2), 4 * kMiB);
  EXPECT_EQ(budget_.totals().live_bytes_per_s, 6 * kMiB);
}

TEST_F(FleetBudgetTest, LiveDemandOverTheEstimateLeavesNothingToReplay) {
  report(1, {0, 40 * kMiB, 0});
  report(2, {1'000 * kMiB, 0, std::nullopt});
  budget_.share(0, now_);
  EXPECT_EQ(replay(2), 0U);
}

TEST_F(FleetBudgetTest, RacksWithoutABacklogGetNothing) {
  report(1, {0, 1000, 0});
  report(2, {1, 1000, 0});
  budget_.share(0, now_);
  EXPECT_EQ(replay(1), 0U);
  EXPECT_GT(replay(2), 0U);
}

TEST_F(FleetBudgetTest, ALargerBacklogGetsMoreAndASmallOneIsNotLast) {
  report(1, {100'000 * kMiB, 0, std::nullopt});
  report(2, {100 * kMiB, 0, std::nullopt});
  budget_.share(0, now_);
  EXPECT_GT(replay(1), 2 * replay(2));
  EXPECT_LT(100 * kMiB / replay(2), 60U);  // seconds; by its backlog alone it would be hours
}

TEST_F(FleetBudgetTest, WhatAnotherRacksTunnelCannotCarryIsNotHandedToIt) {
  report(1, {1'000 * kMiB, 0, 6'000});  // 50 kbit/s
  report(2, {1'000 * kMiB, 0, 8 * kMiB});
  budget_.share(0, now_);
  EXPECT_EQ(replay(1), 256U << 10);
  EXPECT_EQ(replay(2), 10 * kMiB - (256U << 10));
}

TEST_F(FleetBudgetTest, AnyPressurePausesReplayAndLimitsLive) {
  report(1, {1'000 * kMiB, 6 * kMiB, 0});
  report(2, {0, 0, 0});
  budget_.share(0, now_);
  EXPECT_GT(replay(1), 0U);
  EXPECT_FALSE(budget_.grant(machine(1)).pace_bytes_per_s);
  for (std::uint8_t level = 1; level <= 3; ++level) {
    budget_.share(level, now_);
    EXPECT_EQ(replay(1), 0U);
    EXPECT_EQ(budget_.grant(machine(1)).pace_bytes_per_s, 8 * kMiB);  // its 6, and half of what is left
    EXPECT_EQ(budget_.grant(machine(2)).pace_bytes_per_s, 2 * kMiB);
  }
}

TEST_F(FleetBudgetTest, ANewRackHasNothingBeforeTheNextRound) {
  report(1, {1'000 * kMiB, 0, std::nullopt});
  EXPECT_EQ(budget_.grant(machine(1)), RackGrant{});
  budget_.share(0, now_);
  report(2, {1'000 * kMiB, 0, std::nullopt});
  EXPECT_EQ(replay(2), 0U);
  budget_.share(0, now_);
  EXPECT_EQ(replay(1), replay(2));
  EXPECT_EQ(replay(1), 5 * kMiB);
}

TEST_F(FleetBudgetTest, TheShareOfARackThatIsGoneIsGivenToOthers) {
  report(1, {1'000 * kMiB, 0, std::nullopt});
  report(2, {1'000 * kMiB, 0, std::nullopt});
  now_.value += 16 * kSecond;
  report(2, {1'000 * kMiB, 0, std::nullopt});
  budget_.share(0, now_);
  EXPECT_EQ(replay(1), 0U);
  EXPECT_EQ(replay(2), 10 * kMiB);
  EXPECT_EQ(budget_.totals().racks, 1U);
}

TEST_F(FleetBudgetTest, NoFigureOfARackCanMakeTheSumExceedTheEstimate) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SeededRandom random(seed);
    FleetBudget budget({});
    MonotonicNanos now;
    budget.observe({now});
    const auto any = [&random]() -> std::uint64_t {
      return random.below(4) == 0 ? random.next() : random.below(2) == 0 ? 0 : random.below(100 * kMiB);
    };
    const std::uint64_t racks = 1 + random.below(50);
    for (int round = 0; round < 40; ++round) {
      now.value += 2 * kSecond;
      for (std::uint64_t i = 0; i < racks; ++i)
        if (random.below(3) != 0) {
          RackDemand demand{any(), random.below(10) == 0 ? any() : random.below(kMiB), std::nullopt};
          if (random.below(2) == 0) demand.replay_bytes_per_s = any();
          budget.report(machine(i), demand, now);
        }
      const auto level = static_cast<std::uint8_t>(random.below(4) == 0 ? random.below(4) : 0);
      budget.observe({now, random.below(100 * kMiB), static_cast<std::int64_t>(random.below(3 * kSecond)),
                      static_cast<double>(random.below(100)) / 100, level});
      budget.share(level, now);
      const auto most = budget.capacity_bytes_per_s();
      std::uint64_t given = 0;
      budget.for_each([&](const MachineId&, const RackGrant& grant) {
        ASSERT_EQ(grant.pace_bytes_per_s.has_value(), level != 0) << "seed " << seed;
        ASSERT_TRUE(level == 0 || grant.replay_bytes_per_s == 0) << "seed " << seed;
        const auto more = grant.replay_bytes_per_s + grant.pace_bytes_per_s.value_or(0);
        ASSERT_LE(more, most - given) << "seed " << seed << ", round " << round;
        given += more;
      });
      const auto live = budget.totals().live_bytes_per_s;
      ASSERT_LE(level == 0 ? given : 0, most > live ? most - live : 0) << "seed " << seed;
      ASSERT_EQ(budget.totals().replay_bytes_per_s, level == 0 ? given : 0) << "seed " << seed;
    }
  }
}

// Backlogs of any size, behind tunnels of any width, with live telemetry beside them.
TEST_F(FleetBudgetTest, EveryBacklogEnds) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRandom random(seed);
    FleetBudget budget({});
    MonotonicNanos now;
    budget.observe({now});
    struct Rack {
      std::uint64_t backlog, tunnel, live, sent;
    };
    std::vector<Rack> racks(200);
    for (auto& rack : racks)
      rack = {random.below(3) == 0 ? random.below(1000) : random.below(60 * kMiB),
              6'000 + random.below(random.below(2) == 0 ? 100'000 : 10 * kMiB), random.below(2000), 0};
    const double speed = 32.0 * kMiB;
    double queued = 0;
    int rounds = 0;
    std::uint64_t left = 1;
    for (; left != 0 && rounds < 10'000; ++rounds) {
      left = 0;
      double offered = queued;
      for (std::uint64_t i = 0; i < racks.size(); ++i) {
        auto& rack = racks[i];
        budget.report(machine(i), {rack.backlog, rack.live, rack.sent}, now);
        rack.sent = std::min(budget.grant(machine(i)).replay_bytes_per_s, rack.tunnel);
        const auto moved = std::min(rack.backlog, 2 * rack.sent);
        rack.backlog -= moved;
        left += rack.backlog;
        offered += static_cast<double>(moved + 2 * rack.live);
      }
      const double taken = std::min(offered, 2 * speed);
      queued = offered - taken;
      ASSERT_LT(queued, speed) << "seed " << seed << ", round " << rounds << ": over a second of work waits";
      now.value += 2 * kSecond;
      budget.observe(
          {now, static_cast<std::uint64_t>(taken), static_cast<std::int64_t>(taken / speed * kSecond)});
      budget.share(0, now);
    }
    ASSERT_EQ(left, 0U) << "seed " << seed << ": a backlog does not end";
  }
}

TEST_F(FleetBudgetTest, ThousandsOfRacksAreCheap) {
  SeededRandom random(20261128);
  constexpr int kRacks = 10'000;
  for (std::uint64_t i = 0; i < kRacks; ++i)
    report(i, {random.below(100 * kMiB), random.below(500), random.below(kMiB)});
  const auto began = std::chrono::steady_clock::now();
  for (int round = 0; round < 10; ++round) budget_.share(0, now_);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
  EXPECT_EQ(budget_.totals().racks, static_cast<std::size_t>(kRacks));
  // Generous: sanitizers, and a machine that does other things. Some 3 ms a round are usual.
  EXPECT_LT(took.count() / 10, 500);
  RecordProperty("milliseconds_a_round", std::to_string(took.count() / 10));
}

}  // namespace
}  // namespace fluxrig::pressure
