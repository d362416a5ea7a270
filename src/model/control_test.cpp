#include "model/control.hpp"

#include <gtest/gtest.h>

namespace fluxrig::model {
namespace {

template <typename Message>
Bytes encoded(const Message& message) {
  Bytes bytes;
  encode(message, bytes);
  return bytes;
}

ControlCommand sample() {
  ControlCommand command;
  command.id.bytes.fill(0x11);
  command.who = "ops@desk";
  command.reason = "maintenance";
  command.issued = UnixNanos{1'700'000'000};
  set_pressure({PressureState::kDivert, 600'000}, command);
  return command;
}

ControlAnswer sample_answer() {
  ControlAnswer answer;
  answer.id.bytes.fill(0x11);
  answer.results.emplace("state", "divert");
  return answer;
}

TEST(ControlCommand, HasTheBytesOfTheFormatPage) {
  EXPECT_EQ(to_hex(encoded(sample())),
            "a8000101501111111111111111111111111111111102687072657373757265"
            "03686f7073406465736b046b6d61696e74656e616e6365051a6553f100061a000927c0"
            "07a165737461746566646976657274");
}

TEST(ControlAnswer, HasTheBytesOfTheFormatPage) {
  EXPECT_EQ(to_hex(encoded(sample_answer())),
            "a400010150111111111111111111111111111111110260"
            "03a165737461746566646976657274");
}

TEST(ControlCommand, ComesBackAsItWasSent) {
  auto command = sample();
  EXPECT_EQ(decode_control_command(encoded(command)).value(), command);
  command.arguments.clear();
  command.duration_ms = 0;
  EXPECT_EQ(decode_control_command(encoded(command)).value(), command);
}

TEST(ControlAnswer, ComesBackAsItWasSent) {
  auto answer = sample_answer();
  EXPECT_EQ(decode_control_answer(encoded(answer)).value(), answer);
  answer.error = "the rack does not know the command 'dance'";
  answer.results = {{"a", "1"}, {"bb", "2"}, {"aaa", "3"}};
  EXPECT_EQ(decode_control_answer(encoded(answer)).value(), answer);
}

TEST(ControlCommand, IsRefusedWhenCutAnywhere) {
  const Bytes bytes = encoded(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_control_command(ByteView(bytes).first(size))) << size;
}

TEST(ControlAnswer, IsRefusedWhenCutAnywhere) {
  const Bytes bytes = encoded(sample_answer());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_control_answer(ByteView(bytes).first(size))) << size;
}

TEST(ControlCommand, OfAnotherVersionIsNamedSo) {
  Bytes bytes = encoded(sample());
  bytes[2] = 2;
  EXPECT_EQ(decode_control_command(bytes).error().code, ErrorCode::kUnsupported);
}

TEST(ControlCommand, OverALimitIsRefused) {
  const auto refused = [](const auto& change) {
    auto command = sample();
    change(command);
    return decode_control_command(encoded(command)).error().code == ErrorCode::kOversize;
  };
  EXPECT_TRUE(refused([](auto& c) { c.reason.assign(kMaxControlReasonBytes + 1, 'x'); }));
  EXPECT_TRUE(refused([](auto& c) { c.who.assign(kMaxControlValueBytes + 1, 'x'); }));
  EXPECT_TRUE(refused([](auto& c) { c.name.assign(kMaxControlNameBytes + 1, 'x'); }));
  EXPECT_TRUE(refused([](auto& c) {
    for (std::size_t i = 0; i <= kMaxControlEntries; ++i) c.arguments.emplace(std::string(i + 1, 'x'), "");
  }));
}

TEST(ControlCommand, WithNamesThatDoNotAscendIsRefused) {
  Bytes bytes = encoded(ControlAnswer{{}, "", {{"a", ""}, {"b", ""}}});
  const std::size_t second = bytes.size() - 2;
  ASSERT_EQ(bytes[second], 'b');
  bytes[second] = 'a';
  EXPECT_EQ(decode_control_answer(bytes).error().code, ErrorCode::kInvalid);
}

TEST(ControlAnswer, KeysOfALaterReleaseAreIgnored) {
  Bytes bytes = encoded(sample_answer());
  bytes[0] = 0xa5;  // five entries
  bytes.insert(bytes.end(), {0x09, 0x82, 0x01, 0x02});
  EXPECT_EQ(decode_control_answer(bytes).value(), sample_answer());
}

TEST(ForcedPressure, IsWhatTheCommandSays) {
  EXPECT_EQ(forced_pressure(sample()).value(), (ForcedPressure{PressureState::kDivert, 600'000}));
  auto released = sample();
  set_pressure({}, released);
  EXPECT_EQ(forced_pressure(released).value(), ForcedPressure{});
}

TEST(ForcedPressure, IsRefusedWithoutAReason) {
  auto command = sample();
  command.reason.clear();
  EXPECT_NE(forced_pressure(command).error().message.find("reason"), std::string::npos);
}

TEST(ForcedPressure, IsRefusedForMoreThanADayAndForNoTime) {
  for (const std::uint64_t wrong : {std::uint64_t{0}, kMaxForcedMs + 1}) {
    auto command = sample();
    command.duration_ms = wrong;
    const auto forced = forced_pressure(command);
    ASSERT_FALSE(forced) << wrong;
    EXPECT_NE(forced.error().message.find("24 h"), std::string::npos);
  }
}

TEST(ForcedPressure, IsRefusedInAStateThatCannotBeHeld) {
  for (const char* wrong : {"replay", "DIVERT", "", "off"}) {
    auto command = sample();
    command.arguments["state"] = wrong;
    EXPECT_FALSE(forced_pressure(command)) << wrong;
  }
  auto command = sample();
  command.arguments.clear();
  EXPECT_FALSE(forced_pressure(command));
}

}  // namespace
}  // namespace fluxrig::model
