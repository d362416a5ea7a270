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

TEST(Agent, HelloReplyAndHeartbeatComeBackAsTheyWereSent) {
  const HelloReply reply{"rack 'edge' has the certificate of rack 'host'"};
  const Heartbeat heartbeat{Epoch{2}, R"({"p1_depth":4})"};
  EXPECT_EQ(decode_hello_reply(encoded(reply)).value(), reply);
  EXPECT_EQ(decode_heartbeat(encoded(heartbeat)).value(), heartbeat);
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
