// The rack's end of operators' commands, over a real nats-server with the certificates of both ends.
#include "rack/command_desk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_gate.hpp"
#include "snake/subjects.hpp"
#include "snake/test_server.hpp"

namespace fluxrig::rack {
namespace {

using model::PressureState;
using snake::testing::Mailbox;
using snake::testing::TestServer;
using ::testing::HasSubstr;

class CommandDeskTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = new TestServer;
    server_->start();
  }
  static void TearDownTestSuite() { delete std::exchange(server_, nullptr); }

  CommandDeskTest()
      : mixer_(server_->mixer()),
        bus_(server_->edge_bus()),
        quiet_(clock_, -1, DiagnosticFormat::kText, Severity::kError, pass_unsearched) {
    auto subscription =
        mixer_->subscribe(snake::control_reply_subject(server_->edge), [this](snake::Delivery d) {
          if (auto answer = model::decode_control_answer(d.payload)) answers_.put(*answer);
        });
    if (subscription) subscription_ = *std::move(subscription);
    EXPECT_TRUE(mixer_->flush(std::chrono::seconds(5)));
    desk_ = std::make_unique<CommandDesk>(CommandDesk::Parts{*bus_, clock_, quiet_, server_->edge,
                                                             [this](std::optional<pressure::Forced> forced) {
                                                               forced_.push_back(forced);
                                                               return forced ? forced->state
                                                                             : PressureState::kReplay;
                                                             },
                                                             [this](model::Log log) {
                                                               if (!recording_) return false;
                                                               logs_.push_back(std::move(log));
                                                               return true;
                                                             },
                                                             [this] { woken_.put(true); },
                                                             [this](std::uint64_t duration_ms) {
                                                               debugged_.push_back(duration_ms);
                                                               return Outcome<void>{};
                                                             }});
    desk_->turn();  // subscribes
    EXPECT_TRUE(bus_->flush(std::chrono::seconds(5)));
  }

  static model::ControlCommand divert(std::uint8_t id) {
    model::ControlCommand command;
    command.id.bytes.fill(id);
    command.who = "ops@desk";
    command.reason = "maintenance";
    set_pressure({PressureState::kDivert, 600'000}, command);
    return command;
  }
  std::optional<model::ControlAnswer> ask(const model::ControlCommand& command) {
    Bytes bytes;
    encode(command, bytes);
    EXPECT_TRUE(mixer_->publish(snake::control_subject(server_->edge), sanitize::TestBytes::of(bytes)));
    if (!woken_.take()) return std::nullopt;
    EXPECT_TRUE(desk_->has_work());
    desk_->turn();
    return answers_.take();
  }
  [[nodiscard]] std::string attribute(std::string_view name) const {
    for (const auto& one : logs_.back().attributes)
      if (one.key == name) return std::get<std::string>(one.value);
    return "absent";
  }

  static TestServer* server_;
  ManualClock clock_;
  std::unique_ptr<snake::NatsBus> mixer_, bus_;
  Diagnostics quiet_;
  Mailbox<model::ControlAnswer> answers_;
  Mailbox<bool> woken_;
  std::unique_ptr<snake::Subscription> subscription_;
  std::vector<std::optional<pressure::Forced>> forced_;
  std::vector<model::Log> logs_;
  std::vector<std::uint64_t> debugged_;
  bool recording_ = true;
  std::unique_ptr<CommandDesk> desk_;
};
TestServer* CommandDeskTest::server_ = nullptr;

TEST_F(CommandDeskTest, HoldsTheRackInTheStateForItsTimeAndAnswers) {
  clock_.advance(kNanosPerSecond);
  const auto answer = ask(divert(1));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->id, divert(1).id);
  EXPECT_EQ(answer->error, "");
  EXPECT_EQ(answer->results, (model::ControlTexts{{"state", "divert"}}));
  ASSERT_EQ(forced_.size(), 1U);
  EXPECT_EQ(forced_[0], (pressure::Forced{PressureState::kDivert, {601 * kNanosPerSecond}}));
  EXPECT_EQ(desk_->done(), 1U);
}

TEST_F(CommandDeskTest, RecordsWhoDidWhatAndWhy) {
  ASSERT_TRUE(ask(divert(1)));
  ASSERT_EQ(logs_.size(), 1U);
  EXPECT_EQ(logs_[0].event_name, "fluxrig.control.command");
  EXPECT_EQ(attribute("fluxrig.control.command"), "pressure");
  EXPECT_EQ(attribute("fluxrig.control.state"), "divert");
  EXPECT_EQ(attribute("fluxrig.control.who"), "ops@desk");
  EXPECT_EQ(attribute("fluxrig.control.reason"), "maintenance");
  EXPECT_EQ(attribute("fluxrig.control.error"), "absent");
  EXPECT_EQ(logs_[0].attributes[4].value, model::Value(std::int64_t{600'000}));
}

TEST_F(CommandDeskTest, LetsGoWithAuto) {
  auto command = divert(1);
  set_pressure({}, command);
  const auto answer = ask(command);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->results, (model::ControlTexts{{"state", "replay"}}));
  ASSERT_EQ(forced_.size(), 1U);
  EXPECT_FALSE(forced_[0]);
}

TEST_F(CommandDeskTest, BreaksTheGlassForAReasonAndATimeAndRecordsIt) {
  auto command = divert(1);
  model::set_debug(900'000, command);
  const auto answer = ask(command);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error, "");
  EXPECT_EQ(debugged_, (std::vector<std::uint64_t>{900'000}));
  EXPECT_EQ(attribute("fluxrig.control.command"), "debug");
  EXPECT_EQ(attribute("fluxrig.control.reason"), "maintenance");
  EXPECT_TRUE(forced_.empty());
}

TEST_F(CommandDeskTest, RefusesDebugWithoutReasonForTooLongAndAtAnotherLevelAndRecordsTheAttempt) {
  auto without = divert(1);
  model::set_debug(900'000, without);
  without.reason.clear();
  auto long_one = divert(2);
  model::set_debug(model::kMaxDebugMs + 1, long_one);
  auto trace = divert(3);
  model::set_debug(900'000, trace);
  trace.arguments["state"] = "trace";
  const std::array<std::pair<model::ControlCommand, const char*>, 3> refused = {
      {{without, "--reason"}, {long_one, "--for"}, {trace, "'on' (debug) or 'off'"}}};
  for (const auto& [command, says] : refused) {
    const auto answer = ask(command);
    ASSERT_TRUE(answer);
    EXPECT_THAT(answer->error, HasSubstr(says));
    EXPECT_EQ(attribute("fluxrig.control.error"), answer->error);
  }
  EXPECT_TRUE(debugged_.empty());
}

TEST_F(CommandDeskTest, DoesTheSameIdOnceAndAnswersTwice) {
  const auto first = ask(divert(1));
  const auto again = ask(divert(1));
  ASSERT_TRUE(first && again);
  EXPECT_EQ(*first, *again);
  EXPECT_EQ(forced_.size(), 1U);
  EXPECT_EQ(logs_.size(), 1U);
}

TEST_F(CommandDeskTest, RemembersABoundedNumberOfIds) {
  for (std::uint8_t id = 1; id <= CommandDesk::kRememberedIds + 1; ++id) ASSERT_TRUE(ask(divert(id)));
  ASSERT_TRUE(ask(divert(2)));
  EXPECT_EQ(forced_.size(), CommandDesk::kRememberedIds + 1);
  ASSERT_TRUE(ask(divert(1)));  // the oldest is forgotten
  EXPECT_EQ(forced_.size(), CommandDesk::kRememberedIds + 2);
}

TEST_F(CommandDeskTest, ACommandThatIsNotKnownIsRefusedRecordedAndNotDone) {
  auto command = divert(1);
  command.name = "dance";
  const auto answer = ask(command);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error, "this rack does not know the command 'dance'");
  EXPECT_TRUE(forced_.empty());
  EXPECT_EQ(attribute("fluxrig.control.error"), answer->error);
  EXPECT_EQ(desk_->refused(), 1U);
}

TEST_F(CommandDeskTest, WithoutAReasonItIsRefusedHereAsWell) {
  auto command = divert(1);
  command.reason.clear();
  const auto answer = ask(command);
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->error, HasSubstr("reason"));
  EXPECT_TRUE(forced_.empty());
}

TEST_F(CommandDeskTest, WhatCannotBeRecordedIsNotDone) {
  recording_ = false;
  const auto answer = ask(divert(1));
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->error, HasSubstr("cannot be recorded"));
  EXPECT_TRUE(forced_.empty());
}

TEST_F(CommandDeskTest, ACardNumberInTheReasonIsNotRecorded) {
  auto command = divert(1);
  command.reason = "card 4111111111111111 hangs";
  ASSERT_TRUE(ask(command));
  EXPECT_EQ(attribute("fluxrig.control.reason"), "card 411111******1111 hangs");
}

TEST_F(CommandDeskTest, GarbageIsCountedAndWhatFollowsIsDone) {
  ASSERT_TRUE(mixer_->publish(snake::control_subject(server_->edge),
                              sanitize::TestBytes::of(as_bytes("no command"))));
  ASSERT_TRUE(woken_.take());
  ASSERT_TRUE(ask(divert(1)));
  EXPECT_EQ(desk_->refused(), 1U);
  EXPECT_EQ(forced_.size(), 1U);
}

}  // namespace
}  // namespace fluxrig::rack
