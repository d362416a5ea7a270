// An independent client (npm @nats-io, tests/interop/nats_peer.mjs) against our server, permissions and
// headers.
#include "base/source_tree.hpp"
#include "snake/child_process.hpp"
#include "snake/streams.hpp"
#include "snake/subjects.hpp"
#include "snake/test_server.hpp"

namespace fluxrig::snake {
namespace {

using testing::Mailbox;
using testing::outgoing;
using testing::publish_and_wait;
using testing::TestServer;

class InteropTest : public ::testing::Test {
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
  // What the peer says on its one line; a failed check or a missing package is a failure of the test.
  std::string peer(const std::string& check, const std::string& certificate,
                   std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"node",
                                       source_tree() / "tests/interop/nats_peer.mjs",
                                       check,
                                       "--url",
                                       "nats://127.0.0.1:" + std::to_string(server_.port),
                                       "--ca",
                                       server_.pki() + "/ca.crt",
                                       "--cert",
                                       server_.pki() + "/" + certificate + ".crt",
                                       "--key",
                                       server_.pki() + "/" + certificate + ".key"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto result = run_command(arguments, std::chrono::seconds(120));
    if (!result) {
      ADD_FAILURE() << "node: " << to_string(result.error());
      return {};
    }
    EXPECT_EQ(result->status, 0) << result->output << "(packages missing? 'npm ci' in tests/)";
    return result->output;
  }
  TestServer server_;
  std::unique_ptr<NatsBus> mixer_;
};

TEST_F(InteropTest, AnIndependentClientWithoutACertificateIsRefused) {
  EXPECT_NE(peer("refused-without-certificate", "edge").find("\"refused\":true"), std::string::npos);
}

TEST_F(InteropTest, AnIndependentClientWithARacksCertificateActsUnderItsOwnNameOnly) {
  const auto said = peer("permissions", "edge",
                         {"--machine", to_string(server_.edge), "--other", to_string(server_.host), "--rack",
                          "edge", "--other-rack", "host"});
  EXPECT_NE(said.find("\"passed\":true"), std::string::npos) << said;
}

TEST_F(InteropTest, AnIndependentClientReadsOurHeadersAndWeReadIts) {
  auto edge = server_.edge_bus();
  auto message = outgoing("flux.msg.edge.a.out", "payload", "id-1");
  message.headers = {{"flux-id", "0192f3c1-7a44-7c10-9a51-3d5e0c9b1f02"},
                     {"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}};
  ASSERT_TRUE(publish_and_wait(*edge, std::move(message)));
  EXPECT_NE(peer("headers", "mixer").find("0192f3c1-7a44-7c10-9a51-3d5e0c9b1f02"), std::string::npos);

  Mailbox<Delivery> arrived;
  auto subscription =
      mixer_->subscribe("flux.msg.edge.node.>", [&](Delivery d) { arrived.put(std::move(d)); });
  ASSERT_TRUE(mixer_->flush(std::chrono::seconds(5)));
  (void)peer("publish", "edge",
             {"--machine", to_string(server_.edge), "--subject", "flux.msg.edge.node.out"});
  const auto delivery = arrived.take();
  ASSERT_TRUE(delivery.has_value());
  EXPECT_EQ(delivery->header("traceparent"), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  EXPECT_EQ(delivery->header("Nats-Msg-Id"), "node-1");
  EXPECT_EQ(as_text(delivery->payload), "from node");
}

}  // namespace
}  // namespace fluxrig::snake
