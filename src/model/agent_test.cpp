#include "model/agent.hpp"

#include <gtest/gtest.h>

namespace fluxrig::model {
namespace {

template <typename Message>
Bytes encoded(const Message& message) {
  Bytes bytes;
  encode(message, bytes);
  return bytes;
}

Hello sample() {
  return {"edge", "0.1.0", Epoch{7}, {{"approver", "flux.msg.host.approver.in"}}, UnixNanos{1'700'000'000}};
}

TEST(Agent, HelloComesBackAsItWasSent) {
  const auto back = decode_hello(encoded(sample()));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, sample());
}

TEST(Agent, AHelloTellsOfItsHost) {
  auto hello = sample();
  hello.resource = {{"host.name", std::string("shop-17")}, {"process.pid", std::int64_t{4711}}};
  EXPECT_EQ(decode_hello(encoded(hello)).value(), hello);
  hello.resource[0].value = std::string(kMaxResourceBytes + 1, 'x');
  EXPECT_EQ(decode_hello(encoded(hello)).error().code, ErrorCode::kOversize);
  hello.resource.assign(kMaxResourceAttributes + 1, {"host.name", std::string("shop-17")});
  EXPECT_EQ(decode_hello(encoded(hello)).error().code, ErrorCode::kOversize);
}

TEST(Agent, AHelloWhoseHostIsNoListOfPairsIsRefused) {
  auto hello = sample();
  hello.resource = {{"a", std::string("b")}};
  const auto whole = to_hex(encoded(hello));
  ASSERT_TRUE(whole.ends_with("078261616162")) << whole;
  const auto head = whole.substr(0, whole.size() - 12);
  for (const char* wrong : {"07816161", "078261610a", "0782616182", "07826161f5", "0701", "07820a6161"}) {
    const bool is_integer = std::string_view(wrong) == "078261610a";
    EXPECT_EQ(decode_hello(*from_hex(head + wrong)).has_value(), is_integer) << wrong;
  }
}

TEST(Agent, HelloReplyAndHeartbeatComeBackAsTheyWereSent) {
  const HelloReply reply{"rack 'edge' has the certificate of rack 'host'"};
  const Heartbeat heartbeat{Epoch{2}, R"({"p1_depth":4})"};
  EXPECT_EQ(decode_hello_reply(encoded(reply)).value(), reply);
  EXPECT_EQ(decode_heartbeat(encoded(heartbeat)).value(), heartbeat);
}

Heartbeat heartbeat_in_replay() {
  RackPressure pressure;
  pressure.state = PressureState::kReplay;
  pressure.cause = "backlog";
  pressure.backlog_bytes = 1'000'000;
  pressure.live_bytes_per_s = 2'000;
  pressure.replay_bytes_per_s = 50'000;
  pressure.seconds_left = 20;
  pressure.spool_messages = 3;
  return {Epoch{2}, "{}", pressure};
}

TEST(Agent, HeartbeatInReplayHasTheBytesOfTheFormatPage) {
  EXPECT_EQ(to_hex(encoded(heartbeat_in_replay())),
            "aa0001010202627b7d03030467626163"
            "6b6c6f67051a000f4240061907d00719c35008140903");
}

TEST(Agent, HeartbeatSaysHowTheRackStands) {
  auto heartbeat = heartbeat_in_replay();
  EXPECT_EQ(decode_heartbeat(encoded(heartbeat)).value(), heartbeat);
  heartbeat.pressure->seconds_left.reset();
  EXPECT_EQ(decode_heartbeat(encoded(heartbeat)).value(), heartbeat);
  heartbeat.pressure = RackPressure{};  // NORMAL, and nothing waits
  EXPECT_EQ(decode_heartbeat(encoded(heartbeat)).value(), heartbeat);
}

TEST(Agent, HeartbeatWithoutAStateSaysNothingAboutPressure) {
  Bytes bytes = encoded(Heartbeat{Epoch{2}, "{}"});
  bytes[0] = 0xa4;
  bytes.insert(bytes.end(), {0x05, 0x07});  // a backlog alone
  const auto heartbeat = decode_heartbeat(bytes);
  ASSERT_TRUE(heartbeat);
  EXPECT_FALSE(heartbeat->pressure);
}

TEST(Agent, HeartbeatWithAStateThatDoesNotExistIsRefused) {
  Bytes bytes = encoded(Heartbeat{Epoch{2}, "{}", RackPressure{}});
  ASSERT_EQ(bytes.back(), 0);
  bytes.back() = 4;
  EXPECT_EQ(decode_heartbeat(bytes).error().code, ErrorCode::kInvalid);
}

TEST(Agent, HelloNamesTheEpochOfTheStartBeforeOrNone) {
  for (const std::optional<Epoch> before : {std::optional<Epoch>{}, {Epoch{0}}, {Epoch{2}}}) {
    auto hello = sample();
    hello.before = before;
    EXPECT_EQ(decode_hello(encoded(hello)).value(), hello);
  }
  auto hello = sample();
  hello.before = hello.epoch;
  EXPECT_EQ(decode_hello(encoded(hello)).error().code, ErrorCode::kInvalid);
}

TEST(Agent, HelloIsRefusedWhenCutAnywhere) {
  const Bytes bytes = encoded(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_hello(ByteView(bytes).first(size))) << size;
}

TEST(Agent, HelloWithTooManyConsumersIsRefused) {
  auto hello = sample();
  hello.consumers.assign(kMaxConsumers + 1, {"gear", "flux.msg.a.b.c"});
  EXPECT_EQ(decode_hello(encoded(hello)).error().code, ErrorCode::kOversize);
}

TEST(Agent, HeartbeatWithAStatusOverTheLimitIsRefused) {
  const Heartbeat heartbeat{Epoch{1}, std::string(kMaxStatusBytes + 1, ' ')};
  EXPECT_EQ(decode_heartbeat(encoded(heartbeat)).error().code, ErrorCode::kOversize);
}

TEST(Agent, MessageOfAnotherVersionIsNamedSo) {
  Bytes bytes = encoded(sample());
  bytes[2] = 2;
  EXPECT_EQ(decode_hello(bytes).error().code, ErrorCode::kUnsupported);
}

TEST(Agent, KeysOfALaterReleaseAreIgnored) {
  Bytes bytes = encoded(HelloReply{""});
  bytes[0] = 0xa3;  // three entries
  bytes.insert(bytes.end(), {0x09, 0x83, 0x01, 0x02, 0x03});
  EXPECT_EQ(decode_hello_reply(bytes).value(), HelloReply{});
}

}  // namespace
}  // namespace fluxrig::model
