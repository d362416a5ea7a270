#include "sanitize/clean_message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <concepts>

#include "base/random.hpp"
#include "sanitize/test_clean_bytes.hpp"

namespace fluxrig::sanitize {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kNumber = "4532015112830366";
constexpr const char* kMasked = "453201******0366";

std::string text_of(const CleanBytes& bytes) { return {bytes.bytes().begin(), bytes.bytes().end()}; }

template <typename Message>
void expect_clean(Message message) {
  const auto bytes = text_of(clean_message(std::move(message)));
  EXPECT_THAT(bytes, Not(HasSubstr(kNumber)));
  EXPECT_THAT(bytes, HasSubstr(kMasked));
}

TEST(CleanMessage, EveryTextOfAHelloIsSearched) {
  expect_clean(model::Hello{.rack = kNumber, .version = "1", .epoch = {1}, .consumers = {}, .started = {}});
  expect_clean(model::Hello{.rack = "r", .version = kNumber, .epoch = {1}, .consumers = {}, .started = {}});
  expect_clean(model::Hello{
      .rack = "r", .version = "1", .epoch = {1}, .consumers = {{kNumber, "flux.msg.a"}}, .started = {}});
  expect_clean(
      model::Hello{.rack = "r", .version = "1", .epoch = {1}, .consumers = {{"g", kNumber}}, .started = {}});
  expect_clean(model::Hello{.rack = "r",
                            .version = "1",
                            .epoch = {1},
                            .consumers = {},
                            .started = {},
                            .before = {},
                            .resource = {{"host.name", std::string(kNumber)}}});
  expect_clean(model::HelloReply{kNumber});
}

TEST(CleanMessage, AHeartbeatsReportIsSearchedMemberByMember) {
  expect_clean(model::Heartbeat{{1}, R"({"note":"4532015112830366"})", {}});
  const auto heartbeat =
      searched(model::Heartbeat{{1}, R"({"bytes":12,"count":4532015112830366,"4532015112830366":1})", {}});
  EXPECT_EQ(heartbeat.status_json, R"({"bytes":12,"count":"453201******0366","453201******0366":1})");
  EXPECT_EQ(searched(model::Heartbeat{{1}, "no JSON 4532015112830366", {}}).status_json, "{}");
  model::RackPressure pressure;
  pressure.cause = kNumber;
  expect_clean(model::Heartbeat{{1}, "{}", pressure});
}

TEST(CleanMessage, EveryTextOfACommandAndItsAnswerIsSearched) {
  for (auto field :
       {&model::ControlCommand::name, &model::ControlCommand::who, &model::ControlCommand::reason}) {
    model::ControlCommand command;
    command.*field = kNumber;
    expect_clean(command);
  }
  model::ControlCommand command;
  command.arguments = {{"state", kNumber}};
  expect_clean(command);
  command.arguments = {{kNumber, "x"}};
  expect_clean(command);
  expect_clean(model::ControlAnswer{{}, kNumber, {}});
  expect_clean(model::ControlAnswer{{}, "", {{"state", kNumber}}});
}

TEST(CleanMessage, WhatIsCleanComesBackAsItWent) {
  model::Hello hello{.rack = "edge",
                     .version = "0.1.0",
                     .epoch = {7},
                     .consumers = {{"g", "flux.msg.a.b.c"}},
                     .started = {5}};
  hello.resource = {{"host.name", std::string("h")}, {"process.pid", std::int64_t{12}}};
  const auto read = model::decode_hello(clean_message(hello));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, hello);
}

// Only those that search or seal make them.
static_assert(!std::constructible_from<CleanBytes, Bytes>);
static_assert(!std::convertible_to<Bytes, CleanBytes>);
static_assert(!std::convertible_to<ByteView, CleanBytes>);
static_assert(!std::assignable_from<CleanBytes&, Bytes>);

}  // namespace
}  // namespace fluxrig::sanitize
