#include "sim/fleet.hpp"

#include <gtest/gtest.h>

#include "sim/fleet_events.hpp"

namespace fluxrig::sim {
namespace {

constexpr std::int64_t kSecond = kNanosPerSecond;

// As loud as eight hundred racks, away for two minutes.
FleetPlan small_fleet(std::uint64_t seed, bool sink_outage = false) {
  FleetPlanOptions options;
  options.racks = 200;
  options.live = 4;
  options.outage_seconds = 120;
  options.sink_outage = sink_outage;
  return make_fleet_plan(seed, options);
}

void expect_good(std::uint64_t seed, const FleetResult& result) {
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  EXPECT_FALSE(result.broken) << result.broken->promise << ": " << result.broken->detail;
  EXPECT_LE(result.figures.highest_load, 1.0);
  EXPECT_LT(result.figures.lateness_p99_s, 5.0);
  EXPECT_GT(result.figures.live_messages, 10'000U);
  // To the byte it is checked all along; at the end the live records of two seconds are under way.
  EXPECT_GT(result.stored[0], result.produced[0] / 100 * 99);
  EXPECT_GT(result.stored[1] + result.dropped[1], result.produced[1] / 100 * 99);
  EXPECT_EQ(result.dropped[0], 0U);
}

TEST(Fleet, ComesBackFromAnOutageOfTheBusWithoutAStorm) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const auto result = run_fleet(small_fleet(seed));
    expect_good(seed, result);
    // It was cut off, and caught up.
    EXPECT_GT(result.backlog_megabytes, 10.0);
    EXPECT_GT(result.drained_seconds, 10.0);
    EXPECT_GE(result.figures.transitions[2], 200U);  // DIVERT
    EXPECT_GE(result.figures.transitions[3], 200U);  // REPLAY
    // And it used what the store could take.
    EXPECT_GT(result.figures.highest_load, 0.6);
  }
}

TEST(Fleet, ComesBackFromAnOutageOfTheStoreWithoutAStorm) {
  for (const std::uint64_t seed : {4U, 5U}) {
    const auto result = run_fleet(small_fleet(seed, /*sink_outage=*/true));
    expect_good(seed, result);
    EXPECT_GE(result.figures.transitions[2], 200U);
  }
}

TEST(Fleet, TheSameSeedGivesTheSameRunToTheLastEvent) {
  const auto once = run_fleet(small_fleet(6));
  const auto again = run_fleet(small_fleet(6));
  EXPECT_EQ(once.digest, again.digest);
  EXPECT_EQ(once.events, again.events);
  EXPECT_NE(once.digest, run_fleet(small_fleet(7)).digest);
}

TEST(FleetEvents, HappenInTheOrderOfTimeAndThenOfMaking) {
  FleetEvents events;
  events.at(20, {.rack = 1});
  events.at(10, {.rack = 2});
  events.at(10, {.rack = 3});
  EXPECT_EQ(events.next()->rack, 2U);
  events.at(5, {.rack = 4});  // what is past happens next
  EXPECT_EQ(events.next()->rack, 3U);
  EXPECT_EQ(events.next()->rack, 4U);
  EXPECT_EQ(events.now(), 10);
  EXPECT_EQ(events.next()->rack, 1U);
  EXPECT_FALSE(events.next());
}

FleetPlan plan_of_capacity() {
  FleetPlan plan;
  plan.capacity = {{0, 1000}, {100 * kSecond, 500}};
  return plan;
}

TEST(FleetChecks, OneSecondOverTheCapacityBreaksThePromise) {
  const auto plan = plan_of_capacity();
  FleetChecks checks(plan);
  checks.arrived(1000, 5 * kSecond);
  checks.arrived(600, 6 * kSecond);
  EXPECT_FALSE(checks.broken());
  checks.arrived(401, 6 * kSecond + kSecond / 2);
  checks.finish(7 * kSecond);
  ASSERT_TRUE(checks.broken());
  EXPECT_EQ(checks.broken()->promise, "the store's load stays within its capacity");
}

TEST(FleetChecks, AStoreThatBecameSlowerIsExcusedForItsGraceAndNoLonger) {
  const auto plan = plan_of_capacity();
  FleetChecks checks(plan);
  checks.arrived(900, 100 * kSecond);
  checks.arrived(900, 114 * kSecond);
  checks.finish(114 * kSecond);
  EXPECT_FALSE(checks.broken());
  EXPECT_DOUBLE_EQ(checks.figures().highest_load_slower, 1.8);
  FleetChecks later(plan);
  later.arrived(900, 115 * kSecond);
  later.finish(115 * kSecond);
  EXPECT_TRUE(later.broken());
}

TEST(FleetChecks, LateLiveRecordsBreakThePromiseAndABacklogIsNotLive) {
  const auto plan = plan_of_capacity();
  for (const bool live : {true, false}) {
    FleetChecks checks(plan);
    FleetMessage message;
    message.live = live;
    for (int i = 0; i < 2000; ++i) checks.stored(message, i % 50 == 0 ? 6 * kSecond : kSecond, true);
    checks.finish(10 * kSecond);
    EXPECT_EQ(checks.broken().has_value(), live);
  }
}

}  // namespace
}  // namespace fluxrig::sim
