// What nats-server enforces with the generated configuration: a rack acts under its own name only.
#include <fstream>

#include "snake/streams.hpp"
#include "snake/subjects.hpp"
#include "snake/test_server.hpp"

namespace fluxrig::snake {
namespace {

using testing::Directory;
using testing::Mailbox;
using testing::outgoing;
using testing::publish_and_wait;
using testing::TestServer;

class PermissionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_.start();
    mixer_ = server_.mixer();
    TestServer::must(StreamAdmin(*mixer_).ensure_streams({.message_bytes = 8 << 20,
                                                          .audit_bytes = 8 << 20,
                                                          .telemetry_bytes = 8 << 20,
                                                          .dead_letter_bytes = 1 << 20,
                                                          .advisory_bytes = 1 << 20}));
  }
  ErrorCode refusal(Bus& bus, std::string subject) {
    const auto result = publish_and_wait(bus, outgoing(std::move(subject)));
    if (result) return ErrorCode::kInternal;
    return result.error().code;
  }
  TestServer server_;
  std::unique_ptr<NatsBus> mixer_;
};

TEST_F(PermissionsTest, ARackCannotPublishUnderAnotherRacksSubjects) {
  auto edge = server_.edge_bus();
  ASSERT_TRUE(publish_and_wait(*edge, outgoing(audit_subject(server_.edge))));
  EXPECT_EQ(refusal(*edge, audit_subject(server_.host)), ErrorCode::kRefused);
  EXPECT_EQ(refusal(*edge, telemetry_subject(server_.host)), ErrorCode::kRefused);
  EXPECT_EQ(refusal(*edge, message_subject("host", "bank", "out")), ErrorCode::kRefused);
  EXPECT_EQ(refusal(*edge, hello_subject(server_.host)), ErrorCode::kRefused);
  EXPECT_EQ(refusal(*edge, heartbeat_subject(server_.host)), ErrorCode::kRefused);
  EXPECT_EQ(refusal(*edge, dead_letter_subject("edge", "a")), ErrorCode::kRefused);
  EXPECT_EQ(refusal(*edge, receipt_subject(server_.edge)), ErrorCode::kRefused);
  EXPECT_EQ(refusal(*edge, "$JS.API.STREAM.DELETE.FLUX_AUDIT"), ErrorCode::kRefused);
  EXPECT_EQ(refusal(*edge, deliver_subject(server_.host, "bank")), ErrorCode::kRefused);
  EXPECT_EQ(edge->counters().refused, 9U);
}

TEST_F(PermissionsTest, ARackHearsNothingOfAnotherRacksReceiptsAndDeliveries) {
  auto edge = server_.edge_bus();
  Mailbox<std::string> heard;
  std::vector<std::unique_ptr<Subscription>> subscriptions;
  for (const auto& subject :
       {receipt_subject(server_.host), pressure_subject(server_.host), control_subject(server_.host),
        deliver_subject(server_.host, "bank"), inbox_prefix(to_string(server_.host)) + ".>",
        std::string("flux.>"), std::string(">"), receipt_subject(server_.edge)}) {
    auto subscription = edge->subscribe(subject, [&](const Delivery& d) { heard.put(d.subject); });
    ASSERT_TRUE(subscription.has_value());
    subscriptions.push_back(std::move(*subscription));
  }
  ASSERT_TRUE(edge->flush(std::chrono::seconds(5)));
  for (const auto& subject : {receipt_subject(server_.host), pressure_subject(server_.host),
                              control_subject(server_.host), deliver_subject(server_.host, "bank"),
                              inbox_prefix(to_string(server_.host)) + ".1", receipt_subject(server_.edge)})
    ASSERT_TRUE(mixer_->publish(subject, sanitize::TestBytes::of(as_bytes("x"))));
  // Its own receipt was published last: whatever it may hear has come before.
  EXPECT_EQ(heard.take(), receipt_subject(server_.edge));
  EXPECT_EQ(heard.size(), 0U);
}

TEST_F(PermissionsTest, ARackAcknowledgesOnlyDeliveriesOfItsOwnGears) {
  StreamAdmin admin(*mixer_);
  TestServer::must(admin.ensure_consumer({.rack = "host",
                                          .machine = server_.host,
                                          .gear = "bank",
                                          .filter = "flux.msg.edge.>",
                                          .acknowledge_wait = std::chrono::milliseconds(500)}));
  auto host = server_.host_bus();
  auto edge = server_.edge_bus();
  Mailbox<Delivery> arrived;
  auto subscription =
      host->subscribe(deliver_subject(server_.host, "bank"), [&](Delivery d) { arrived.put(std::move(d)); });
  ASSERT_TRUE(publish_and_wait(*edge, outgoing("flux.msg.edge.a.out")));
  const auto first = arrived.take();
  ASSERT_TRUE(first.has_value());
  ASSERT_TRUE(edge->acknowledge(first->reply));  // handed over, and refused by the server
  ASSERT_TRUE(edge->flush(std::chrono::seconds(5)));
  const auto again = arrived.take();
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->deliveries, 2U);
  ASSERT_TRUE(host->acknowledge(again->reply));
  EXPECT_FALSE(arrived.take(std::chrono::milliseconds(1200)).has_value());
}

TEST_F(PermissionsTest, AGearGrantedLaterIsUsableAfterAReloadThatKeepsConnections) {
  auto edge = server_.edge_bus();
  StreamAdmin admin(*mixer_);
  TestServer::must(admin.ensure_consumer({.rack = "edge",
                                          .machine = server_.edge,
                                          .gear = "late",
                                          .filter = "flux.msg.edge.>",
                                          .acknowledge_wait = std::chrono::milliseconds(300)}));
  Mailbox<Delivery> arrived;
  auto subscription =
      edge->subscribe(deliver_subject(server_.edge, "late"), [&](Delivery d) { arrived.put(std::move(d)); });
  ASSERT_EQ(server_.grants.add("edge", "late"), true);
  server_.write_config();
  TestServer::must(server_.process->reload());
  ASSERT_TRUE(publish_and_wait(*edge, outgoing("flux.msg.edge.a.out")));
  const auto delivery = arrived.take();
  ASSERT_TRUE(delivery.has_value());
  ASSERT_TRUE(edge->acknowledge(delivery->reply));
  EXPECT_FALSE(arrived.take(std::chrono::milliseconds(900)).has_value());
  EXPECT_EQ(edge->counters().disconnects, 0U);
  EXPECT_EQ(mixer_->counters().disconnects, 0U);
}

TEST_F(PermissionsTest, ARackOfALaterCertificateConnectsAfterAReload) {
  const auto late = server_.rack("late");
  auto refused = snake::connect(server_.options("late", to_string(late)), server_.quiet);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("no user has this name"), std::string::npos)
      << refused.error().message;
  server_.write_config();
  TestServer::must(server_.process->reload());
  auto accepted = snake::connect(server_.options("late", to_string(late)), server_.quiet);
  EXPECT_TRUE(accepted.has_value());
}

TEST_F(PermissionsTest, ACertificateOfAnotherAuthorityIsRefusedWithASentence) {
  Directory other;
  const auto pki = other / "pki";
  TestServer::must(init_authority(pki, server_.clock));
  TestServer::must(issue_certificate(pki, {.role = CertificateRole::kRack, .name = "edge", .hosts = {}},
                                     server_.clock, server_.random));
  auto options = server_.options("edge", to_string(server_.edge));
  options.certificate = pki + "/edge.crt";
  options.key = pki + "/edge.key";
  const auto refused = snake::connect(options, server_.quiet);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("does not accept the certificate"), std::string::npos)
      << refused.error().message;
}

TEST_F(PermissionsTest, AServerOfAnotherAuthorityOrNameIsNotTrusted) {
  Directory other;
  const auto pki = other / "pki";
  TestServer::must(init_authority(pki, server_.clock));
  auto options = server_.options("edge", to_string(server_.edge));
  options.certificate_authority = pki + "/ca.crt";
  const auto stranger = snake::connect(options, server_.quiet);
  ASSERT_FALSE(stranger.has_value());
  EXPECT_NE(stranger.error().message.find("is not trusted"), std::string::npos) << stranger.error().message;

  options = server_.options("edge", to_string(server_.edge));
  options.servers = {"nats://localhost:" +
                     std::to_string(server_.port)};  // its certificate names 127.0.0.1 only
  const auto misnamed = snake::connect(options, server_.quiet);
  ASSERT_FALSE(misnamed.has_value());
  EXPECT_NE(misnamed.error().message.find("is not trusted"), std::string::npos) << misnamed.error().message;
}

TEST_F(PermissionsTest, NoCertificateIsAProblemBeforeAnyConnection) {
  auto options = server_.options("edge", to_string(server_.edge));
  options.certificate.clear();
  const auto refused = snake::connect(options, server_.quiet);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("plaintext is refused"), std::string::npos);
}

}  // namespace
}  // namespace fluxrig::snake
