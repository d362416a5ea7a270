#include "sim/simulation.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/source_tree.hpp"

namespace fluxrig::sim {
namespace {

constexpr std::uint64_t kSteps = 2000;

void expect_good(std::uint64_t seed, std::uint64_t steps, PlanOptions options) {
  const auto result = run(make_plan(seed, steps, options));
  EXPECT_FALSE(result.broken) << "seed " << seed << " steps " << steps << ": " << result.broken->promise
                              << ": " << result.broken->detail << '\n'
                              << result.last_events;
}

TEST(Simulation, TheSameSeedGivesTheSameRunToTheLastEvent) {
  for (const std::uint64_t seed : {3U, 5U, 8U}) {
    const auto once = run(make_plan(seed, kSteps));
    const auto again = run(make_plan(seed, kSteps));
    EXPECT_EQ(once.digest, again.digest) << "seed " << seed;
    EXPECT_EQ(once.events, again.events) << "seed " << seed;
    EXPECT_GT(once.events, kSteps / 2);
  }
}

TEST(Simulation, AnotherSeedGivesAnotherRun) {
  EXPECT_NE(run(make_plan(1, kSteps)).digest, run(make_plan(2, kSteps)).digest);
}

TEST(Simulation, RunsHaveCrashesAndTrafficToSpeakOf) {
  RunResult sum;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto result = run(make_plan(seed, 2 * kSteps));
    sum.deaths += result.deaths;
    sum.answered += result.answered;
    sum.stored += result.stored;
    sum.departed += result.departed;
    sum.in_doubt += result.in_doubt;
    sum.messages += result.messages;
    sum.dead_letters += result.dead_letters;
  }
  EXPECT_GT(sum.deaths, 50U);
  EXPECT_GT(sum.answered, 1000U);
  EXPECT_GE(sum.stored, sum.answered / 2);
  EXPECT_GT(sum.departed, 1000U);
  EXPECT_GT(sum.in_doubt, 5U);
  EXPECT_GT(sum.messages, 200U);
  EXPECT_GT(sum.dead_letters, 0U);
}

TEST(Simulation, LongReplaysAreDisturbedAndSendTheirBacklogAgain) {
  std::uint64_t again = 0;
  std::uint64_t runs = 0;
  for (std::uint64_t seed = 1; runs < 10; ++seed) {
    const auto plan = make_plan(seed, kSteps);
    if (plan.replay_stretch == 1) continue;
    again += run(plan).telemetry_again;
    ++runs;
  }
  EXPECT_GT(again, 10U);
}

TEST(Simulation, LongReplaysChangeNothingOfThePlansThatHaveNone) {
  std::uint64_t with = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const auto before = make_plan(seed, kSteps, {.long_replay = false});
    const auto plan = make_plan(seed, kSteps);
    EXPECT_EQ(before.replay_stretch, 1U) << "seed " << seed;
    EXPECT_EQ(plan == before, plan.replay_stretch == 1) << "seed " << seed;
    with += plan.replay_stretch != 1 ? 1 : 0;
  }
  EXPECT_GT(with, 30U);
}

// Each line of tests/sim/seeds.txt is a run that broke a promise once.
TEST(Simulation, SeedsThatFailedOnceHoldNow) {
  std::ifstream file(source_tree() / "tests/sim/seeds.txt");
  ASSERT_TRUE(file);
  std::size_t count = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words(line);
    std::uint64_t seed = 0;
    std::uint64_t steps = 0;
    ASSERT_TRUE(words >> seed >> steps) << line;
    PlanOptions options;
    for (std::string word; words >> word;) {
      ASSERT_TRUE(word == "disk-errors" || word == "no-bit-rot" || word == "short-replays") << line;
      options.disk_errors = options.disk_errors || word == "disk-errors";
      options.bit_rot = options.bit_rot && word != "no-bit-rot";
      options.long_replay = options.long_replay && word != "short-replays";
    }
    expect_good(seed, steps, options);
    ++count;
  }
  EXPECT_GT(count, 0U);
}

}  // namespace
}  // namespace fluxrig::sim
