#include "pressure/state_machine.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "pressure/test_inputs.hpp"

namespace fluxrig::pressure {
namespace {

using enum PressureState;
using Input = StateMachine::Input;

// One of each class of input, and what it counts as.
struct InputClass {
  std::string name;
  Demand demand;
  Source source;
  std::function<void(Input&)> apply;
};
const std::vector<InputClass>& input_classes() {
  using model::PressureCause;
  static const std::vector<InputClass> kClasses{
      {"calm", Demand::kClear, Source::kNone, [](Input&) {}},
      {"older mixer", Demand::kClear, Source::kNone, [](Input& input) { input.lease = {}; }},
      {"backlog", Demand::kBacklog, Source::kNone, [](Input& input) { input.backlog_bytes = 1; }},
      {"mixer 1", Demand::kRestrict, Source::kMixer,
       [](Input& input) { input.lease = valid_lease(1, PressureCause::kQueueDepth); }},
      {"slow tunnel", Demand::kRestrict, Source::kTunnelSlow, [](Input& input) { input.tunnel.level = 1; }},
      {"mixer 2", Demand::kDivert, Source::kMixer,
       [](Input& input) { input.lease = valid_lease(2, PressureCause::kSinkErrors); }},
      {"mixer 3", Demand::kDivert, Source::kMixer,
       [](Input& input) { input.lease = valid_lease(3, PressureCause::kDisk); }},
      {"stalled tunnel", Demand::kDivert, Source::kTunnelStalled,
       [](Input& input) { input.tunnel.level = 2; }},
      {"expired lease", Demand::kDivert, Source::kLeaseExpired,
       [](Input& input) { input.lease = expired_lease(); }},
      {"disconnected", Demand::kDivert, Source::kDisconnected, [](Input& input) { input.connected = false; }},
  };
  return kClasses;
}

constexpr StateMachine::Options kOptions{};
constexpr std::int64_t kEnough = 60 * kTestSecond;  // longer than grace, hold and any dwell

// A machine that just entered `state` at `at`, by an operator's hand.
StateMachine machine_in(PressureState state, std::int64_t at) {
  StateMachine machine({0}, kOptions);
  if (state == kNormal) return StateMachine({at}, kOptions);
  Input input = calm(at);
  input.forced = Forced{state, {at + 1}};
  EXPECT_TRUE(machine.step(input));
  EXPECT_EQ(machine.state(), state);
  return machine;
}

// The table of docs/formats/pressure.md once more, in words, so that a change of one is noticed by the other.
struct Expected {
  PressureState to;
  bool at_once;
};
Expected expected(PressureState from, Demand demand) {
  static const std::map<std::pair<PressureState, Demand>, Expected> kTable{
      {{kNormal, Demand::kClear}, {kNormal, false}},        {{kNormal, Demand::kBacklog}, {kReplay, false}},
      {{kNormal, Demand::kRestrict}, {kRestrict, true}},    {{kNormal, Demand::kDivert}, {kDivert, true}},
      {{kRestrict, Demand::kClear}, {kNormal, false}},      {{kRestrict, Demand::kBacklog}, {kReplay, false}},
      {{kRestrict, Demand::kRestrict}, {kRestrict, false}}, {{kRestrict, Demand::kDivert}, {kDivert, true}},
      {{kDivert, Demand::kClear}, {kNormal, false}},        {{kDivert, Demand::kBacklog}, {kReplay, false}},
      {{kDivert, Demand::kRestrict}, {kRestrict, false}},   {{kDivert, Demand::kDivert}, {kDivert, false}},
      {{kReplay, Demand::kClear}, {kNormal, false}},        {{kReplay, Demand::kBacklog}, {kReplay, false}},
      {{kReplay, Demand::kRestrict}, {kRestrict, true}},    {{kReplay, Demand::kDivert}, {kDivert, true}}};
  return kTable.at({from, demand});
}

TEST(StateMachine, EveryStateAnswersEveryClassOfInputAsTheTableSays) {
  for (const auto from : {kNormal, kRestrict, kDivert, kReplay}) {
    for (const auto& input_class : input_classes()) {
      SCOPED_TRACE(std::string(model::name_of(from)) + ", " + input_class.name);
      constexpr std::int64_t kEntered = 100 * kTestSecond;
      StateMachine machine = machine_in(from, kEntered);
      const auto [to, at_once] = expected(from, input_class.demand);
      const auto step = [&](std::int64_t at) {
        Input input = calm(at);
        input_class.apply(input);
        return machine.step(input);
      };
      auto transition = step(kEntered + 1);
      // A reconnection within the grace is no pressure.
      const bool graced = input_class.source == Source::kDisconnected;
      if (graced) transition = step(kEntered + 1 + kOptions.disconnect_grace);
      if (to == from) {
        EXPECT_FALSE(transition);
        EXPECT_FALSE(step(kEntered + kEnough));
      } else if (at_once) {
        ASSERT_TRUE(transition);
      } else {
        EXPECT_FALSE(transition);
        const auto dwell = kOptions.dwell[static_cast<std::size_t>(from)];
        EXPECT_FALSE(step(kEntered + dwell - 1));
        transition = step(kEntered + dwell);
        ASSERT_TRUE(transition);
      }
      EXPECT_EQ(machine.state(), to);
      if (!transition) continue;
      EXPECT_EQ(transition->from, from);
      EXPECT_EQ(transition->to, to);
      const bool pressed = input_class.demand >= Demand::kRestrict;
      EXPECT_TRUE(!pressed || transition->cause.source == input_class.source);
    }
  }
}

TEST(StateMachine, ReliefWaitsUntilTheWorseDemandIsGoneForTheHold) {
  StateMachine machine({0}, kOptions);
  Input bad = calm(0);
  bad.lease = valid_lease(2);
  ASSERT_TRUE(machine.step(bad));
  const std::int64_t cleared = 100 * kTestSecond;
  EXPECT_FALSE(machine.step(calm(cleared)));
  EXPECT_EQ(machine.next_due(), (MonotonicNanos{cleared + kOptions.hold}));
  EXPECT_FALSE(machine.step(calm(cleared + kOptions.hold - 1)));
  const auto transition = machine.step(calm(cleared + kOptions.hold));
  ASSERT_TRUE(transition);
  EXPECT_EQ(transition->to, kNormal);
  EXPECT_EQ(transition->cause.source, Source::kCleared);
  EXPECT_EQ(transition->lasted_nanos, cleared + kOptions.hold);
}

TEST(StateMachine, ADemandThatComesBackWithinTheHoldStartsItAnew) {
  StateMachine machine({0}, kOptions);
  Input bad = calm(0);
  bad.tunnel.level = 1;
  ASSERT_TRUE(machine.step(bad));
  EXPECT_FALSE(machine.step(calm(100 * kTestSecond)));
  bad.now = {102 * kTestSecond};
  EXPECT_FALSE(machine.step(bad));
  EXPECT_FALSE(machine.step(calm(103 * kTestSecond)));
  EXPECT_FALSE(machine.step(calm(103 * kTestSecond + kOptions.hold - 1)));
  EXPECT_TRUE(machine.step(calm(103 * kTestSecond + kOptions.hold)));
}

TEST(StateMachine, DivertEndsInRestrictWhileTheLesserDemandLasts) {
  StateMachine machine({0}, kOptions);
  Input input = calm(0);
  input.lease = valid_lease(3);
  ASSERT_TRUE(machine.step(input));
  std::vector<PressureState> seen;
  input.lease = valid_lease(1);
  for (std::int64_t at = kTestSecond; at < 30 * kTestSecond; at += kTestSecond) {
    input.now = {at};
    if (const auto transition = machine.step(input)) seen.push_back(transition->to);
  }
  EXPECT_EQ(seen, std::vector<PressureState>{kRestrict});
}

TEST(StateMachine, ABriefReconnectionIsNoPressure) {
  StateMachine machine({0}, kOptions);
  Input gone = calm(kTestSecond);
  gone.connected = false;
  EXPECT_FALSE(machine.step(gone));
  EXPECT_EQ(machine.next_due(), (MonotonicNanos{kTestSecond + kOptions.disconnect_grace}));
  EXPECT_FALSE(machine.step(calm(kTestSecond + kOptions.disconnect_grace - 1)));
  gone.now = {2 * kTestSecond + kOptions.disconnect_grace / 2};
  EXPECT_FALSE(machine.step(gone));
  EXPECT_EQ(machine.state(), kNormal);
}

TEST(StateMachine, TheWorstOneRulesAndIsTheCause) {
  StateMachine machine({0}, kOptions);
  Input input = calm(1);
  input.lease = valid_lease(1, model::PressureCause::kMemory);
  input.tunnel = {2, 900 * kNanosPerMilli, 20 * kNanosPerMilli, 4096};
  input.backlog_bytes = 77;
  const auto transition = machine.step(input);
  ASSERT_TRUE(transition);
  EXPECT_EQ(transition->to, kDivert);
  EXPECT_EQ(transition->cause, (Cause{Source::kTunnelStalled, {}}));
  EXPECT_EQ(transition->mixer_level, 1);
  EXPECT_EQ(transition->tunnel, input.tunnel);
  EXPECT_EQ(transition->backlog_bytes, 77U);
  // A cause that changes while the state lasts is known, and no transition.
  input.tunnel.level = 0;
  input.lease = valid_lease(2, model::PressureCause::kDisk);
  input.now = {2};
  EXPECT_FALSE(machine.step(input));
  EXPECT_EQ(machine.cause(), (Cause{Source::kMixer, model::PressureCause::kDisk}));
}

TEST(StateMachine, AnOperatorsForceHoldsAgainstPressureAndEndsByItself) {
  StateMachine machine({0}, kOptions);
  Input input = calm(kTestSecond);
  input.lease = valid_lease(2, model::PressureCause::kSinkErrors);
  input.forced = Forced{kRestrict, {600 * kTestSecond}};
  auto transition = machine.step(input);
  ASSERT_TRUE(transition);
  EXPECT_EQ(transition->to, kRestrict);
  EXPECT_EQ(transition->cause.source, Source::kOperator);
  EXPECT_EQ(machine.next_due(), (MonotonicNanos{600 * kTestSecond}));
  input.now = {600 * kTestSecond - 1};
  EXPECT_FALSE(machine.step(input));
  input.now = {600 * kTestSecond};
  transition = machine.step(input);
  ASSERT_TRUE(transition);
  EXPECT_EQ(transition->to, kDivert);
  EXPECT_EQ(transition->cause.source, Source::kMixer);
}

TEST(StateMachine, AForceMayRelieveAtOnceWithoutAnyDwell) {
  StateMachine machine = machine_in(kDivert, kTestSecond);
  Input input = calm(kTestSecond + 1);
  input.forced = Forced{kNormal, {60 * kTestSecond}};
  const auto transition = machine.step(input);
  ASSERT_TRUE(transition);
  EXPECT_EQ(transition->to, kNormal);
}

TEST(StateMachine, NoForceConnectsALostConnection) {
  StateMachine machine({0}, kOptions);
  Input input = calm(kTestSecond);
  input.connected = false;
  input.forced = Forced{kNormal, {600 * kTestSecond}};
  EXPECT_FALSE(machine.step(input));
  input.now = {2 * kTestSecond};
  const auto transition = machine.step(input);
  ASSERT_TRUE(transition);
  EXPECT_EQ(transition->to, kDivert);
  EXPECT_EQ(transition->cause.source, Source::kDisconnected);
  // Back again, the force goes on.
  input.now = {3 * kTestSecond};
  input.connected = true;
  const auto again = machine.step(input);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->to, kNormal);
}

TEST(StateMachine, TheWholeChainNamesEachCause) {
  StateMachine machine({0}, kOptions);
  std::vector<std::string> lines;
  const auto run = [&](std::int64_t from, std::int64_t until, const std::function<void(Input&)>& apply) {
    for (std::int64_t at = from; at < until; at += kTestSecond / 4) {
      Input input = calm(at);
      apply(input);
      if (const auto transition = machine.step(input)) lines.push_back(to_string(*transition));
    }
  };
  const auto second = [](int n) { return n * kTestSecond; };
  run(second(1), second(10), [](Input&) {});
  run(second(10), second(20), [](Input& i) { i.lease = valid_lease(2, model::PressureCause::kSinkErrors); });
  run(second(20), second(40), [](Input& i) { i.connected = false; });
  run(second(40), second(60), [](Input& i) { i.backlog_bytes = 5000; });
  run(second(60), second(70), [](Input&) {});
  const std::string none = "acknowledgement 0 ms, baseline 0 ms, in flight 0 bytes";
  const std::vector<std::string> wanted{
      "normal -> divert after 10.0 s: mixer, sink_errors (mixer level 2, tunnel level 0, " + none +
          ", backlog 0 bytes)",
      "divert -> replay after 33.0 s: backlog (mixer level 0, tunnel level 0, " + none +
          ", backlog 5000 bytes)",
      "replay -> normal after 17.0 s: backlog_drained (mixer level 0, tunnel level 0, " + none +
          ", backlog 0 bytes)"};
  EXPECT_EQ(lines, wanted);
  EXPECT_EQ(machine.nanos_in(kDivert), second(33));
  EXPECT_EQ(machine.transitions(), 3U);
}

}  // namespace
}  // namespace fluxrig::pressure
