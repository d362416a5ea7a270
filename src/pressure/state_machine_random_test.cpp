// What holds for the state machine whatever comes: from random sequences of inputs, each from a seed that a
// failure prints.
#include <gtest/gtest.h>

#include <vector>

#include "base/random.hpp"
#include "pressure/state_machine.hpp"
#include "pressure/test_inputs.hpp"

namespace fluxrig::pressure {
namespace {

using enum PressureState;

constexpr StateMachine::Options kOptions{};
constexpr int kSeeds = 500;
constexpr int kSteps = 2000;

int severity(PressureState state) {
  constexpr std::array<int, 4> kSeverity{0, 2, 3, 1};  // NORMAL, RESTRICT, DIVERT, REPLAY
  return kSeverity[static_cast<std::size_t>(state)];
}

// Changes now and then, in any of its parts, and fast: most steps are shorter than a dwell.
class RandomInputs {
 public:
  RandomInputs(std::uint64_t seed, bool forces) : random_(seed), forces_(forces), input_(calm(0)) {}

  StateMachine::Input next() {
    const std::int64_t longest = random_.below(50) == 0 ? 20 * kTestSecond : 800 * kNanosPerMilli;
    input_.now.value += static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(longest)));
    if (random_.below(6) == 0) input_.connected = random_.below(4) != 0;
    if (random_.below(6) == 0) input_.tunnel.level = level(3);
    if (random_.below(6) == 0) input_.backlog_bytes = random_.below(3) * 1000;
    if (random_.below(6) == 0) {
      const auto kind = random_.below(8);
      input_.lease = kind == 0 ? expired_lease() : kind == 1 ? LeaseView{} : valid_lease(level(4));
    }
    if (forces_ && random_.below(40) == 0)
      input_.forced = Forced{static_cast<PressureState>(random_.below(4)),
                             {input_.now.value + static_cast<std::int64_t>(random_.below(10'000'000'000))}};
    return input_;
  }
  [[nodiscard]] std::int64_t now() const { return input_.now.value; }

 private:
  // Mostly calm.
  std::uint8_t level(std::uint64_t bound) {
    return random_.below(2) == 0 ? 0 : static_cast<std::uint8_t>(random_.below(bound));
  }
  SeededRandom random_;
  bool forces_;
  StateMachine::Input input_;
};

TEST(StateMachineRandom, NothingGetsBetterBeforeItsDwellAndSoNothingFlapsFaster) {
  std::uint64_t reliefs = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    RandomInputs inputs(seed, /*forces=*/false);
    StateMachine machine({0}, kOptions);
    std::vector<Transition> seen;
    for (int step = 0; step < kSteps; ++step)
      if (const auto transition = machine.step(inputs.next())) seen.push_back(*transition);
    for (std::size_t i = 0; i < seen.size(); ++i) {
      if (i > 0) {
        ASSERT_EQ(seen[i].from, seen[i - 1].to) << "seed " << seed;
        ASSERT_EQ(seen[i].lasted_nanos, seen[i].at.value - seen[i - 1].at.value) << "seed " << seed;
      }
      // From NORMAL into REPLAY is no relief, and yet not pressed.
      const bool pressed = severity(seen[i].to) >= 2 && severity(seen[i].to) > severity(seen[i].from);
      if (pressed) continue;
      ++reliefs;
      ASSERT_GE(seen[i].lasted_nanos, kOptions.dwell[static_cast<std::size_t>(seen[i].from)])
          << "seed " << seed << ": " << to_string(seen[i]);
    }
  }
  EXPECT_GT(reliefs, 10'000U);
}

TEST(StateMachineRandom, PressureIsObeyedInTheSameStep) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    RandomInputs inputs(seed, /*forces=*/false);
    StateMachine machine({0}, kOptions);
    for (int step = 0; step < kSteps; ++step) {
      const auto input = inputs.next();
      (void)machine.step(input);
      const bool valid = input.lease.standing == LeaseStanding::kValid;
      if (input.lease.standing == LeaseStanding::kExpired || (valid && input.lease.lease.level >= 2) ||
          input.tunnel.level == 2) {
        ASSERT_EQ(machine.state(), kDivert) << "seed " << seed << ", step " << step;
      }
      if ((valid && input.lease.lease.level == 1) || input.tunnel.level == 1) {
        ASSERT_GE(severity(machine.state()), 2) << "seed " << seed << ", step " << step;
      }
    }
  }
}

TEST(StateMachineRandom, AlwaysLeadsBackToNormalWhenTheCausesAreGone) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    RandomInputs inputs(seed, /*forces=*/true);
    StateMachine machine({0}, kOptions);
    for (int step = 0; step < 300; ++step) (void)machine.step(inputs.next());
    // Calm with a backlog leads to REPLAY, calm without one to NORMAL; driven by next_due alone.
    auto input = calm(inputs.now());
    for (const std::uint64_t backlog : {std::uint64_t{1000}, std::uint64_t{0}}) {
      input.backlog_bytes = backlog;
      int steps = 0;
      for (; steps < 10; ++steps) {
        (void)machine.step(input);
        if (!machine.next_due()) break;
        input.now = *machine.next_due();
      }
      ASSERT_LT(steps, 10) << "seed " << seed;
      ASSERT_EQ(machine.state(), backlog > 0 ? kReplay : kNormal) << "seed " << seed;
      ASSERT_LE(input.now.value - inputs.now(), 20 * kTestSecond) << "seed " << seed;
    }
  }
}

TEST(StateMachineRandom, NextDueIsNeverLate) {
  // A machine that is asked every 10 ms sees no transition that one woken by next_due would miss.
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    RandomInputs inputs(seed, /*forces=*/true);
    StateMachine sleeper({0}, kOptions);
    auto input = inputs.next();
    for (int step = 0; step < 300; ++step) {
      (void)sleeper.step(input);
      const auto following = inputs.next();
      const auto due = sleeper.next_due();
      StateMachine watcher = sleeper;
      for (auto now = input.now; now < following.now; now.value += 10 * kNanosPerMilli) {
        auto same = input;
        same.now = now;
        if (due && now >= *due) break;
        ASSERT_FALSE(watcher.step(same)) << "seed " << seed << ", step " << step;
      }
      input = following;
    }
  }
}

TEST(StateMachineRandom, TheTimesInTheStatesAddUp) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    RandomInputs inputs(seed, /*forces=*/true);
    StateMachine machine({0}, kOptions);
    for (int step = 0; step < 500; ++step) (void)machine.step(inputs.next());
    std::int64_t sum = 0;
    for (const auto state : {kNormal, kRestrict, kDivert, kReplay}) sum += machine.nanos_in(state);
    ASSERT_EQ(sum, inputs.now()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace fluxrig::pressure
