#include <gtest/gtest.h>

#include "snake/streams.hpp"
#include "snake/subjects.hpp"
#include "snake/test_server.hpp"

namespace fluxrig::snake {
namespace {

using testing::Mailbox;
using testing::outgoing;
using testing::publish_and_wait;
using testing::TestServer;

class NatsReopenTest : public ::testing::Test {
 protected:
  TestServer server;
  std::unique_ptr<NatsBus> mixer;
  Mailbox<ConnectionState> states;

  void SetUp() override {
    server.start();
    mixer = server.mixer();
    TestServer::must(StreamAdmin(*mixer).ensure_streams({.message_bytes = 32 << 20,
                                                         .audit_bytes = 32 << 20,
                                                         .telemetry_bytes = 32 << 20,
                                                         .dead_letter_bytes = 8 << 20,
                                                         .advisory_bytes = 1 << 20}));
    mixer.reset();
  }
  // A rack whose certificate the running server has not heard of.
  std::unique_ptr<NatsBus> stranger(MachineId& machine) {
    machine = server.rack("late");
    auto options = server.options("late", to_string(machine));
    options.retry_first_connect = true;
    options.reopen_when_refused = true;
    options.reconnect_wait = std::chrono::milliseconds(20);
    options.first_reopen_wait = std::chrono::milliseconds(50);
    options.longest_reopen_wait = std::chrono::milliseconds(100);
    options.on_state = [this](ConnectionState state) { states.put(state); };
    return server.connect_as(std::move(options));
  }
  void introduce() {
    server.write_config();
    TestServer::must(server.process->reload());
  }
  [[nodiscard]] bool becomes(ConnectionState wanted) {
    for (auto state = states.take(); state; state = states.take())
      if (*state == wanted) return true;
    return false;
  }
};

TEST_F(NatsReopenTest, ARackThatTheServerRefusedTwiceGetsInOnceItIsKnown) {
  MachineId machine;
  auto bus = stranger(machine);
  Mailbox<Delivery> arrived;
  auto subscription =
      bus->subscribe(receipt_subject(machine), [&](Delivery d) { arrived.put(std::move(d)); });
  ASSERT_TRUE(subscription);
  // Refused for good by the library, and by each connection since.
  ASSERT_TRUE(becomes(ConnectionState::kDisconnected));
  EXPECT_FALSE(bus->connected());
  EXPECT_FALSE(bus->publish_stream(outgoing(audit_subject(machine)), [](Result<PublishReceipt>) {}));
  const auto before = bus->session();
  introduce();
  ASSERT_TRUE(becomes(ConnectionState::kConnected));
  EXPECT_TRUE(bus->connected());
  EXPECT_NE(bus->session(), before);
  const auto stored = publish_and_wait(*bus, outgoing(audit_subject(machine)));
  EXPECT_TRUE(stored) << to_string(stored.error());
  ASSERT_TRUE(bus->flush(std::chrono::seconds(5)));
  mixer = server.mixer();
  ASSERT_TRUE(mixer->publish(receipt_subject(machine), sanitize::TestBytes::of(as_bytes("hello"))));
  const auto delivery = arrived.take();
  ASSERT_TRUE(delivery) << "the subscription was made again";
  EXPECT_EQ(as_text(delivery->payload), "hello");
}

TEST_F(NatsReopenTest, ABusThatIsStillRefusedEndsAtOnce) {
  MachineId machine;
  auto bus = stranger(machine);
  ASSERT_TRUE(becomes(ConnectionState::kDisconnected));
  const auto begin = std::chrono::steady_clock::now();
  bus.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

}  // namespace
}  // namespace fluxrig::snake
