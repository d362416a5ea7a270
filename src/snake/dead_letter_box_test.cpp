#include "snake/dead_letter_box.hpp"

#include <gtest/gtest.h>

#include "snake/dead_letters.hpp"
#include "snake/streams.hpp"
#include "snake/subjects.hpp"
#include "snake/test_server.hpp"

namespace fluxrig::snake {
namespace {

using testing::Mailbox;
using testing::outgoing;
using testing::publish_and_wait;
using testing::TestServer;

class DeadLetterBoxTest : public ::testing::Test {
 protected:
  TestServer server;
  std::unique_ptr<NatsBus> mixer;
  std::unique_ptr<DeadLetterCollector> collector;

  void SetUp() override {
    server.start();
    mixer = server.mixer();
    StreamAdmin admin(*mixer);
    TestServer::must(admin.ensure_streams({.message_bytes = 32 << 20,
                                           .audit_bytes = 32 << 20,
                                           .telemetry_bytes = 32 << 20,
                                           .dead_letter_bytes = 8 << 20,
                                           .advisory_bytes = 1 << 20}));
    TestServer::must(admin.ensure_consumer(
        {.rack = "host", .machine = server.host, .gear = "bank", .filter = "flux.msg.edge.>"}));
    auto opened = DeadLetterCollector::open(*mixer, server.quiet);
    TestServer::must(opened);
    collector = std::move(*opened);
  }
  // `count` messages that the gear gives up.
  void make_letters(int count) {
    auto edge = server.edge_bus();
    for (int i = 1; i <= count; ++i) {
      auto message = outgoing(message_subject("edge", "to_host", "out"), "secret", "m" + std::to_string(i));
      message.headers = {{"flux-id", "flux-" + std::to_string(i)},
                         {"flux-request", "request-" + std::to_string(i)}};
      ASSERT_TRUE(publish_and_wait(*edge, std::move(message)));
    }
    auto host = server.host_bus();
    Mailbox<Delivery> arrived;
    auto subscription =
        host->subscribe(deliver_subject(server.host, "bank"), [&](Delivery d) { arrived.put(std::move(d)); });
    ASSERT_TRUE(subscription);
    for (int i = 0; i < count; ++i) {
      const auto delivery = arrived.take();
      ASSERT_TRUE(delivery);
      ASSERT_TRUE(host->terminate(delivery->reply));
    }
    ASSERT_TRUE(host->flush(std::chrono::seconds(5)));
    std::size_t collected = 0;
    for (int attempt = 0; attempt < 40 && collected < static_cast<std::size_t>(count); ++attempt)
      collected += collector->collect(std::chrono::milliseconds(500)).value_or(0);
    ASSERT_EQ(collected, static_cast<std::size_t>(count));
  }
};

TEST_F(DeadLetterBoxTest, ListsWithReasonAndPlaceInPagesAndByConsumer) {
  make_letters(3);
  DeadLetterBox box(*mixer);
  const auto page = box.list(0, 2, "");
  ASSERT_TRUE(page) << to_string(page.error());
  ASSERT_EQ(page->letters.size(), 2U);
  const auto& first = page->letters[0];
  EXPECT_EQ(first.sequence, 1U);
  EXPECT_EQ(first.consumer, "host__bank");
  EXPECT_EQ(first.subject, "flux.msg.edge.to_host.out");
  EXPECT_EQ(first.reason, "terminated");
  EXPECT_EQ(first.deliveries, 1U);
  EXPECT_EQ(first.flux_id, "flux-1");
  EXPECT_EQ(first.payload_bytes, 6U);
  EXPECT_GT(first.time.value, 0);
  const auto rest = box.list(page->next_after, 2, "");
  ASSERT_TRUE(rest);
  ASSERT_EQ(rest->letters.size(), 1U);
  EXPECT_EQ(rest->letters[0].flux_id, "flux-3");
  EXPECT_EQ(rest->next_after, 0U);
  EXPECT_TRUE(box.list(0, 10, "host__other")->letters.empty());
}

TEST_F(DeadLetterBoxTest, ARetryGoesToItsGearUnderANewRequestAndLeavesTheBox) {
  make_letters(1);
  DeadLetterBox box(*mixer);
  ASSERT_TRUE(box.retry(1));
  EXPECT_EQ(box.retry(1).error().code, ErrorCode::kNotFound);
  auto host = server.host_bus();
  Mailbox<Delivery> arrived;
  auto subscription =
      host->subscribe(deliver_subject(server.host, "bank"), [&](Delivery d) { arrived.put(std::move(d)); });
  ASSERT_TRUE(subscription);
  const auto again = arrived.take();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->subject, "flux.msg.edge.to_host.out");
  EXPECT_EQ(as_text(again->payload), "secret");
  EXPECT_EQ(again->header("flux-id"), "flux-1");
  EXPECT_EQ(again->header("flux-for"), "host__bank");
  EXPECT_NE(again->header("flux-request"), "request-1");
  EXPECT_EQ(again->header("flux-request").substr(0, 14), "dead-letter:1:");
  EXPECT_EQ(again->header(kDeadReason), "");
}

TEST_F(DeadLetterBoxTest, ADroppedLetterIsGoneAndOthersStay) {
  make_letters(2);
  DeadLetterBox box(*mixer);
  ASSERT_TRUE(box.drop(1));
  EXPECT_EQ(box.get(1).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(box.drop(1).error().code, ErrorCode::kNotFound);
  const auto page = box.list(0, 10, "");
  ASSERT_TRUE(page);
  ASSERT_EQ(page->letters.size(), 1U);
  EXPECT_EQ(page->letters[0].sequence, 2U);
}

}  // namespace
}  // namespace fluxrig::snake
