#include "gear/bus/bus_post.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gear/bus/bus_out.hpp"
#include "gear/bus/flux_message.hpp"
#include "gear/bus/spool_entry.hpp"
#include "gear/bus/test_stream_bus.hpp"
#include "gear/test_services.hpp"
#include "gear/transaction.hpp"
#include "sanitize/test_clean_bytes.hpp"
#include "wal/memory_disk.hpp"

namespace fluxrig::gear::bus {
namespace {

class Caller final : public Gear {
 public:
  std::vector<Failure> failures;
  std::size_t replies = 0;
  Step on_request(Transaction&, Message&) override { return Step::next(); }
  Step on_failure(Transaction&, const Failure& failure, Message&) override {
    failures.push_back(failure);
    return Step::reply();
  }
  void send_reply(Transaction&, Message&) override { ++replies; }
};

class BusPostTest : public testing::Test {
 protected:
  BusOutOptions options{
      .reply = false, .reply_timeout = std::chrono::milliseconds(2000), .spool_bytes = 4 << 20};
  TestStreamBus bus;
  wal::MemoryDisk disk;
  Caller caller;
  std::unique_ptr<BusOut> out;
  std::unique_ptr<TestServices> services;
  std::size_t sent = 0;
  MachineId machine;

  void TearDown() override { stop(); }
  void start() {
    out = std::make_unique<BusOut>(options);
    services = std::make_unique<TestServices>();
    services->set_bus(&bus);
    services->set_disk(&disk);
    services->set_machine_id(machine);
    services->add(caller, "caller");
    services->add(*out, "out");
    services->wire(caller, *out);
    const auto started = services->start();
    ASSERT_TRUE(started) << started.error().message;
  }
  void stop() {
    services.reset();
    out.reset();
  }
  void send(std::size_t filling = 0) {
    Message message;
    message.payload = std::to_string(++sent) + std::string(filling, '.');
    EXPECT_TRUE(services->begin(caller, {}, std::move(message)));
  }
  [[nodiscard]] bool answered(std::size_t count) {
    return services->run_until([&] { return caller.replies >= count; });
  }
  [[nodiscard]] bool stored(std::size_t count) {
    return services->run_until([&] { return bus.payloads().size() >= count; });
  }
  // The numbers of the messages in the stream.
  [[nodiscard]] std::vector<std::size_t> numbers() const {
    std::vector<std::size_t> found;
    for (const auto& payload : bus.payloads()) {
      const auto decoded = decode_message(as_bytes(payload));
      EXPECT_TRUE(decoded);
      if (decoded) found.push_back(std::stoul(decoded->message.payload));
    }
    return found;
  }
  static std::vector<std::size_t> one_to(std::size_t last) {
    std::vector<std::size_t> all;
    for (std::size_t i = 1; i <= last; ++i) all.push_back(i);
    return all;
  }
};

TEST_F(BusPostTest, WhileTheBusIsAwayMessagesAreAcceptedFromTheDiskAndSentInOrderLater) {
  start();
  bus.is_connected = false;
  for (std::size_t i = 1; i <= 50; ++i) {
    send();
    ASSERT_TRUE(answered(i));
  }
  EXPECT_TRUE(caller.failures.empty());
  EXPECT_TRUE(bus.payloads().empty());
  bus.is_connected = true;
  ASSERT_TRUE(stored(50));
  EXPECT_EQ(numbers(), one_to(50));
}

TEST_F(BusPostTest, NothingOvertakesWhatWaitsInTheSpool) {
  start();
  bus.is_connected = false;
  for (int i = 0; i < 20; ++i) send();
  ASSERT_TRUE(answered(20));
  bus.is_connected = true;
  for (int i = 0; i < 20; ++i) send();
  ASSERT_TRUE(answered(40));
  ASSERT_TRUE(stored(40));
  EXPECT_EQ(numbers(), one_to(40));
}

TEST_F(BusPostTest, APublishThatIsNotAcknowledgedInTimeIsSpooledAndNotDoubled) {
  options.reply_timeout = std::chrono::milliseconds(30);
  start();
  bus.unanswered = 1;
  send();
  ASSERT_TRUE(answered(1));
  EXPECT_TRUE(caller.failures.empty());
  send();
  ASSERT_TRUE(answered(2));
  ASSERT_TRUE(stored(2));
  EXPECT_EQ(numbers(), one_to(2));
}

TEST_F(BusPostTest, APublishThatTheBusLostIsAcceptedFromTheSpool) {
  start();
  bus.later_errors = 3;
  for (int i = 0; i < 3; ++i) send();
  ASSERT_TRUE(answered(3));
  EXPECT_TRUE(caller.failures.empty());
  ASSERT_TRUE(stored(3));
  EXPECT_EQ(numbers(), one_to(3));
}

TEST_F(BusPostTest, AFullStreamRefusesAndSpoolsNothing) {
  start();
  bus.error = {ErrorCode::kFull, 0, "by the test"};
  bus.later_errors = 1;
  send();
  ASSERT_TRUE(answered(1));
  ASSERT_EQ(caller.failures.size(), 1U);
  EXPECT_EQ(caller.failures[0].code, FailureCode::kRefused);
  EXPECT_TRUE(bus.payloads().empty());
}

TEST_F(BusPostTest, WhatARackAcceptedAndDidNotSendIsSentByTheNextOneFirst) {
  start();
  bus.is_connected = false;
  for (int i = 0; i < 10; ++i) send();
  ASSERT_TRUE(answered(10));
  stop();
  disk.kill();
  bus.is_connected = true;
  caller.replies = 0;
  start();
  send();
  ASSERT_TRUE(answered(1));
  ASSERT_TRUE(stored(11));
  EXPECT_EQ(numbers(), one_to(11));
}

TEST_F(BusPostTest, AFullSpoolRefusesUntilTheBusIsBack) {
  start();
  bus.is_connected = false;
  while (caller.failures.empty()) {
    send(100'000);
    ASSERT_TRUE(answered(sent));
    ASSERT_LT(sent, 200U);
  }
  EXPECT_EQ(caller.failures[0].code, FailureCode::kRefused);
  EXPECT_STREQ(caller.failures[0].reason, "the bus is away and the spool is full");
  bus.is_connected = true;
  ASSERT_TRUE(stored(sent - 1));
  EXPECT_EQ(numbers(), one_to(sent - 1));
  send();
  ASSERT_TRUE(answered(sent));
  EXPECT_EQ(caller.failures.size(), 1U);
}

TEST_F(BusPostTest, ADiskThatCannotBeWrittenRefusesAndLaterAccepts) {
  start();
  bus.is_connected = false;
  disk.fail_next(wal::MemoryDisk::Operation::kWrite, EIO, 1);
  send();
  ASSERT_TRUE(answered(1));
  ASSERT_EQ(caller.failures.size(), 1U);
  EXPECT_EQ(caller.failures[0].code, FailureCode::kUnavailable);
  send();
  ASSERT_TRUE(answered(2));
  EXPECT_EQ(caller.failures.size(), 1U);
  bus.is_connected = true;
  ASSERT_TRUE(stored(1));
  EXPECT_EQ(numbers(), std::vector<std::size_t>{2});
}

TEST(SpoolEntry, SurvivesItsWayThroughTheSpool) {
  const snake::Outgoing message{
      "flux.msg.a.b.c", {{"flux-id", "1"}, {"x", ""}}, sanitize::TestBytes::of(Bytes{0, 1, 255}), "id-1"};
  const auto read = decode_spool_entry(encode_spool_entry(message));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->subject, message.subject);
  EXPECT_EQ(read->headers, message.headers);
  EXPECT_EQ(read->payload, message.payload);
  EXPECT_EQ(read->message_id, message.message_id);
}

TEST(SpoolEntry, EveryCutIsRefused) {
  const auto whole = encode_spool_entry(
      {"flux.msg.a.b.c", {{"flux-id", "1"}}, sanitize::TestBytes::of(Bytes{1, 2}), "id-1"});
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(decode_spool_entry(ByteView(whole).subspan(0, size))) << size;
}

}  // namespace
}  // namespace fluxrig::gear::bus
