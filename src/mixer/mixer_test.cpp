// The whole mixer over a real nats-server, real certificates and DuckDB.
#include "mixer/mixer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "mixer/test_chain.hpp"
#include "mixer/test_peers.hpp"
#include "model/agent.hpp"
#include "model/control.hpp"
#include "model/receipt.hpp"
#include "snake/subjects.hpp"
#include "snake/test_server.hpp"

namespace fluxrig::mixer {
namespace {

using snake::testing::Directory;
using snake::testing::Mailbox;
using ::testing::HasSubstr;

// One for all tests of this file: a mixer takes a second to start. Each test uses a rack of its own.
class MixerTest : public ::testing::Test {
 protected:
  struct World {
    SystemClock clock;
    SeededRandom random = SeededRandom::from_system();
    Diagnostics quiet{clock, 2, DiagnosticFormat::kText, Severity::kError};
    Directory directory;
    Config config;
    std::unique_ptr<Mixer> mixer;

    [[nodiscard]] std::string pki() const { return directory / "pki"; }
    MachineId issue(snake::CertificateRole role, const std::string& name) {
      snake::IssueRequest request{role, name, {}, 1};
      if (role == snake::CertificateRole::kServer) request.hosts = {"127.0.0.1"};
      const auto entry = snake::issue_certificate(pki(), request, clock, random);
      if (!entry) std::abort();
      return entry->machine_id.value_or(MachineId{});
    }
    World() {
      if (!snake::init_authority(pki(), clock)) std::abort();
      issue(snake::CertificateRole::kServer, "server");
      issue(snake::CertificateRole::kMixer, "mixer");
      config.data = directory / "data";
      config.pki = pki();
      config.listen_api = {"127.0.0.1", 0};
      config.listen_nats = {"127.0.0.1", 0};
      config.streams = {64U << 20, 64U << 20, 64U << 20, 16U << 20};
      config.memory_limit_bytes = 256U << 20;
      config.pressure.commit_target_ms = 60'000;  // a busy machine is no pressure here
      start();
    }
    void start() {
      auto started = Mixer::start(config, clock, quiet);
      if (!started) {
        std::fprintf(stderr, "%s\n", started.error().message.c_str());
        std::abort();
      }
      mixer = std::move(*started);
    }
  };

  static void SetUpTestSuite() { world_ = new World; }
  static void TearDownTestSuite() { delete std::exchange(world_, nullptr); }

  static std::uint16_t port_of(const std::string& address) {
    return static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1)));
  }
  static std::uint16_t api() { return port_of(world_->mixer->api_address()); }
  static std::string token() {
    std::ifstream file(world_->config.token_path());
    std::string text;
    file >> text;
    return text;
  }

  // A rack with a certificate, a connection and a mailbox of receipts.
  struct Rack {
    MachineId machine;
    std::unique_ptr<snake::NatsBus> bus;
    Mailbox<model::Receipt> receipts;
    std::unique_ptr<snake::Subscription> subscription;

    void publish(ByteView block) const {
      const auto done = snake::testing::publish_and_wait(
          *bus, {snake::audit_subject(machine), {}, Bytes(block.begin(), block.end()), {}});
      ASSERT_TRUE(done) << to_string(done.error());
    }
    // Waits for a receipt that covers 1 to `last`.
    bool receipt_to(std::uint64_t last) {
      while (const auto receipt = receipts.take())
        if (receipt->ranges.size() == 1 && receipt->ranges[0].first.value == 1 &&
            receipt->ranges[0].second.value >= last)
          return true;
      return false;
    }
  };
  static std::unique_ptr<Rack> rack(const std::string& name) {
    auto rack = std::make_unique<Rack>();
    rack->machine = world_->issue(snake::CertificateRole::kRack, name);
    const auto reloaded = world_->mixer->reload();
    if (!reloaded) ADD_FAILURE() << reloaded.error().message;
    snake::NatsOptions options;
    options.servers = {"nats://127.0.0.1:" + std::to_string(port_of(world_->mixer->nats_address()))};
    options.certificate_authority = world_->pki() + "/ca.crt";
    options.certificate = world_->pki() + "/" + name + ".crt";
    options.key = world_->pki() + "/" + name + ".key";
    options.name = name;
    options.inbox = to_string(rack->machine);
    options.retry_first_connect = false;
    options.connect_timeout = std::chrono::milliseconds(5'000);
    auto bus = snake::connect(std::move(options), world_->quiet);
    if (!bus) {
      ADD_FAILURE() << bus.error().message;
      return rack;
    }
    rack->bus = std::move(*bus);
    auto* mail = &rack->receipts;
    auto subscription =
        rack->bus->subscribe(snake::receipt_subject(rack->machine), [mail](snake::Delivery delivery) {
          if (auto receipt = model::decode_receipt(delivery.payload)) mail->put(std::move(*receipt));
        });
    if (subscription) rack->subscription = std::move(*subscription);
    if (!rack->bus->flush(std::chrono::seconds(5))) ADD_FAILURE() << "no flush";
    return rack;
  }

  static void hello(const Rack& one, const std::string& name) {
    Bytes bytes;
    model::encode(model::Hello{name, "0.1.0", Epoch{1}, {}, {}}, bytes);
    const auto answer = one.bus->request(snake::hello_subject(one.machine), bytes, std::chrono::seconds(10));
    ASSERT_TRUE(answer) << to_string(answer.error());
  }

  static std::string count_of(const MachineId& machine) {
    const auto reply =
        testing::post(api(), "/api/v1/sql", token(),
                      R"({"sql":"SELECT count(*), count(DISTINCT seq) FROM transactions WHERE )"
                      R"(machine_id = ')" +
                          to_string(machine) + R"('"})");
    return reply.body;
  }

  static std::uint64_t refused(const std::string& cause) {
    const auto body = testing::get(api(), "/api/v1/status", token()).body;
    const auto at = body.find("\"" + cause + "\":");
    return at == std::string::npos ? 0 : std::stoull(body.substr(at + cause.size() + 3));
  }

  static World* world_;
};
MixerTest::World* MixerTest::world_ = nullptr;

TEST_F(MixerTest, BlocksAreStoredOnceAndReceiptedAlthoughTheyCameTwice) {
  const auto one = rack("twice");
  ASSERT_TRUE(one->bus);
  testing::ChainRack chain(one->machine);
  one->publish(chain.header());
  const auto block = chain.records(50);
  one->publish(block);
  ASSERT_TRUE(one->receipt_to(50));
  one->publish(block);
  one->publish(chain.records(10));
  ASSERT_TRUE(one->receipt_to(60));
  EXPECT_THAT(count_of(one->machine), HasSubstr("[60,60]"));
}

TEST_F(MixerTest, GarbageAndForeignBlocksAreCountedAndTheRestIsStored) {
  const auto one = rack("garbage");
  ASSERT_TRUE(one->bus);
  const auto malformed = refused("malformed_block");
  const auto foreign = refused("machine_mismatch");
  one->publish(as_bytes("no block at all"));
  one->publish(testing::audit_block(make_machine_id(world_->random), 1, 1));
  one->publish(testing::audit_block(one->machine, 1, 3));
  ASSERT_TRUE(one->receipt_to(3));
  EXPECT_EQ(refused("malformed_block"), malformed + 1);
  EXPECT_EQ(refused("machine_mismatch"), foreign + 1);
}

TEST_F(MixerTest, HelloIsAnsweredAndFollowedByTheReceipts) {
  const auto one = rack("hello");
  ASSERT_TRUE(one->bus);
  one->publish(testing::audit_block(one->machine, 1, 7));
  ASSERT_TRUE(one->receipt_to(7));
  Bytes hello;
  model::encode(model::Hello{"hello", "0.1.0", Epoch{1}, {{"bank", "flux.msg.hello.bank.in"}}, {}}, hello);
  const auto answer = one->bus->request(snake::hello_subject(one->machine), hello, std::chrono::seconds(10));
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(model::decode_hello_reply(*answer).value().error, "");
  EXPECT_TRUE(one->receipt_to(7));
  const auto racks = testing::get(api(), "/api/v1/racks", token());
  EXPECT_THAT(racks.body, HasSubstr(R"("rack":"hello","state":"present","version":"0.1.0","epoch":1)"));
  EXPECT_THAT(racks.body, HasSubstr(R"("audit_state":")"));
  EXPECT_THAT(racks.body, HasSubstr(R"("stored_sequence":7)"));
}

TEST_F(MixerTest, HelloUnderAnotherNameIsRefusedWithASentence) {
  const auto one = rack("honest");
  ASSERT_TRUE(one->bus);
  Bytes hello;
  model::encode(model::Hello{"liar", "0.1.0", Epoch{1}, {}, {}}, hello);
  const auto answer = one->bus->request(snake::hello_subject(one->machine), hello, std::chrono::seconds(10));
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_THAT(model::decode_hello_reply(*answer).value().error,
              HasSubstr("uses the certificate of rack 'honest'"));
}

TEST_F(MixerTest, HeartbeatShowsItsStatusAndTheLag) {
  const auto one = rack("beat");
  ASSERT_TRUE(one->bus);
  one->publish(testing::audit_block(one->machine, 1, 5));
  ASSERT_TRUE(one->receipt_to(5));
  Bytes heartbeat;
  model::encode(model::Heartbeat{Epoch{1}, R"({"audit":{"sequence":9}})"}, heartbeat);
  ASSERT_TRUE(one->bus->publish(snake::heartbeat_subject(one->machine), heartbeat));
  Bytes hello;  // the same connection: when it is answered, the heartbeat has been seen
  model::encode(model::Hello{"beat", "0.1.0", Epoch{1}, {}, {}}, hello);
  ASSERT_TRUE(one->bus->request(snake::hello_subject(one->machine), hello, std::chrono::seconds(10)));
  EXPECT_THAT(
      testing::get(api(), "/api/v1/racks", token()).body,
      HasSubstr(
          R"("audit":{"epoch":1,"stored_sequence":5,"lag_records":4},"pressure":null,"status":{"audit":{"sequence":9}})"));
}

TEST_F(MixerTest, ARackThatSaysHelloHasALeaseAndItsHeartbeatAShare) {
  const auto one = rack("leased");
  ASSERT_TRUE(one->bus);
  Mailbox<model::PressureLease> leases;
  const auto subscription =
      one->bus->subscribe(snake::pressure_subject(one->machine), [&](const snake::Delivery& delivery) {
        if (auto lease = model::decode_pressure_lease(delivery.payload)) leases.put(*lease);
      });
  ASSERT_TRUE(subscription && one->bus->flush(std::chrono::seconds(5)));
  hello(*one, "leased");
  const auto first = leases.take();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->lease_ms, 10'000U);
  model::RackPressure pressure;
  pressure.state = model::PressureState::kReplay;
  pressure.backlog_bytes = 1U << 20;
  Bytes heartbeat;
  model::encode(model::Heartbeat{Epoch{1}, "{}", pressure}, heartbeat);
  ASSERT_TRUE(one->bus->publish(snake::heartbeat_subject(one->machine), heartbeat));
  auto next = leases.take();
  for (int i = 0; i < 10 && next && next->replay_bytes_per_s == 0; ++i) next = leases.take();
  ASSERT_TRUE(next);
  EXPECT_GT(next->sequence, first->sequence);
  EXPECT_EQ(next->mixer_started, first->mixer_started);
  EXPECT_THAT(testing::get(api(), "/api/v1/racks", token()).body,
              HasSubstr(R"("pressure":{"state":"replay","cause":null,"backlog_bytes":1048576,)"));
  const auto status = testing::get(api(), "/api/v1/status", token()).body;
  EXPECT_THAT(status, HasSubstr(R"("pressure":{"level":)"));
  EXPECT_THAT(status, HasSubstr(R"("backlog_bytes":1048576)"));
  EXPECT_GT(next->replay_bytes_per_s, 0U);
}

// A rack that answers every command with `error`, or with the state that it was asked for.
class Obedient {
 public:
  Obedient(snake::NatsBus& bus, const MachineId& machine, const std::string& error) {
    auto subscription = bus.subscribe(snake::control_subject(machine),
                                      [this, &bus, machine, error](const snake::Delivery& d) {
                                        const auto command = model::decode_control_command(d.payload);
                                        if (!command) return;
                                        model::ControlAnswer answer{command->id, error, {}};
                                        if (error.empty()) answer.results = command->arguments;
                                        Bytes bytes;
                                        model::encode(answer, bytes);
                                        (void)bus.publish(snake::control_reply_subject(machine), bytes);
                                        commands.put(*command);
                                      });
    if (subscription) subscription_ = *std::move(subscription);
    if (!bus.flush(std::chrono::seconds(5))) ADD_FAILURE() << "no flush";
  }
  Mailbox<model::ControlCommand> commands;

 private:
  std::unique_ptr<snake::Subscription> subscription_;
};

TEST_F(MixerTest, AnOperatorsCommandReachesTheRackAndItsAnswerComesBack) {
  const auto one = rack("commanded");
  ASSERT_TRUE(one->bus);
  hello(*one, "commanded");
  Obedient obedient(*one->bus, one->machine, "");
  const auto reply = testing::post(
      api(), "/api/v1/racks/commanded/pressure", token(),
      R"({"state":"divert","for":"10m","reason":"card 4111111111111111 hangs","who":"ops@desk"})");
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(reply.body, HasSubstr(R"("rack":"commanded")"));
  EXPECT_THAT(reply.body, HasSubstr(R"("forced":"divert","until":"20)"));
  EXPECT_THAT(reply.body, HasSubstr(R"("state":"divert"})"));
  const auto command = obedient.commands.take();
  ASSERT_TRUE(command);
  EXPECT_EQ(model::forced_pressure(*command).value(),
            (model::ForcedPressure{model::PressureState::kDivert, 600'000}));
  EXPECT_EQ(command->who, "ops@desk");
  EXPECT_EQ(command->reason, "card 411111******1111 hangs");
  const auto released = testing::post(api(), "/api/v1/racks/" + to_string(one->machine) + "/pressure",
                                      token(), R"({"state":"auto","reason":"over"})");
  EXPECT_EQ(released.status, 200) << released.body;
  EXPECT_THAT(released.body, HasSubstr(R"("forced":"auto","until":null)"));
}

TEST_F(MixerTest, WhatARackRefusesIsTold) {
  const auto one = rack("stubborn");
  ASSERT_TRUE(one->bus);
  hello(*one, "stubborn");
  Obedient obedient(*one->bus, one->machine, "not today");
  const auto reply = testing::post(api(), "/api/v1/racks/stubborn/pressure", token(),
                                   R"({"state":"normal","for":"1m","reason":"test"})");
  EXPECT_EQ(reply.status, 409);
  EXPECT_THAT(reply.body, HasSubstr("rack 'stubborn' refused: not today"));
}

TEST_F(MixerTest, ARackThatDoesNotAnswerLeavesItOpenWhetherItWasDone) {
  const auto one = rack("silent");
  ASSERT_TRUE(one->bus);
  hello(*one, "silent");
  const auto reply = testing::post(api(), "/api/v1/racks/silent/pressure", token(),
                                   R"({"state":"restrict","for":"1m","reason":"test"})");
  EXPECT_EQ(reply.status, 504);
  EXPECT_THAT(reply.body, HasSubstr("has not answered in time"));
}

TEST_F(MixerTest, CommandsThatCannotBeMeantAreRefusedBeforeTheyAreSent) {
  const auto one = rack("absent");  // never said hello
  const auto force = [&](const std::string& rack, const std::string& body) {
    return testing::post(api(), "/api/v1/racks/" + rack + "/pressure", token(), body);
  };
  const std::string good = R"({"state":"divert","for":"10m","reason":"test"})";
  EXPECT_EQ(force("nobody", good).status, 404);
  const auto away = force("absent", good);
  EXPECT_EQ(away.status, 409);
  EXPECT_THAT(away.body, HasSubstr("nothing was sent"));
  for (const char* wrong :
       {R"({"state":"divert","for":"10m"})", R"({"state":"divert","reason":"x"})",
        R"({"state":"divert","for":"25h","reason":"x"})", R"({"state":"replay","for":"10m","reason":"x"})",
        R"({"state":"divert","for":"10","reason":"x"})", R"({"for":"10m","reason":"x"})", "no json"})
    EXPECT_EQ(force("absent", wrong).status, 400) << wrong;
  EXPECT_THAT(force("absent", R"({"state":"divert","for":"10m"})").body, HasSubstr("a reason is needed"));
  EXPECT_EQ(testing::get(api(), "/api/v1/racks/absent/pressure", token()).status, 405);
  EXPECT_EQ(testing::post(api(), "/api/v1/racks/absent/pressure", "wrong", good).status, 401);
}

TEST_F(MixerTest, TraceFindsATransactionByEachOfItsIdsAndByAPrefix) {
  const auto one = rack("traced");
  ASSERT_TRUE(one->bus);
  one->publish(testing::audit_block(one->machine, 1, 3));
  ASSERT_TRUE(one->receipt_to(3));
  const auto row =
      testing::post(api(), "/api/v1/sql", token(),
                    R"({"sql":"SELECT trace_id FROM transactions WHERE seq = 2 AND machine_id = ')" +
                        to_string(one->machine) + R"('"})");
  const auto at = row.body.find("[[\"");
  ASSERT_NE(at, std::string::npos) << row.body;
  const auto trace_id = row.body.substr(at + 3, 32);
  const auto by_trace = testing::get(api(), "/api/v1/trace/" + trace_id, token());
  EXPECT_EQ(by_trace.status, 200) << by_trace.body;
  EXPECT_THAT(by_trace.body, HasSubstr(R"("matched_by":"trace_id")"));
  EXPECT_THAT(by_trace.body, HasSubstr(R"("is_root":true)"));
  EXPECT_THAT(by_trace.body, HasSubstr(R"("seq":2)"));
  EXPECT_THAT(testing::get(api(), "/api/v1/trace/" + trace_id.substr(0, 20), token()).body,
              HasSubstr(R"("matched_by":"trace_id")"));
  EXPECT_THAT(testing::get(api(), "/api/v1/trace/" + to_string(one->machine), token()).body,
              HasSubstr(R"("matched_by":"machine_id")"));
  EXPECT_EQ(testing::get(api(), "/api/v1/trace/ffffffffffffffff", token()).status, 404);
  EXPECT_EQ(testing::get(api(), "/api/v1/trace/nonsense", token()).status, 400);
}

TEST_F(MixerTest, PagesOfAListCoverEveryRowOnce) {
  const auto one = rack("paged");
  ASSERT_TRUE(one->bus);
  one->publish(testing::audit_block(one->machine, 1, 25));
  ASSERT_TRUE(one->receipt_to(25));
  std::size_t rows = 0;
  std::string cursor;
  for (int page = 0; page < 5; ++page) {
    const auto reply = testing::get(api(), "/api/v1/transactions?rack=paged&limit=10" + cursor, token());
    ASSERT_EQ(reply.status, 200) << reply.body;
    for (auto at = reply.body.find("\"seq\":"); at != std::string::npos;
         at = reply.body.find("\"seq\":", at + 1))
      ++rows;
    const auto next = reply.body.find("\"next_cursor\":\"");
    if (next == std::string::npos) break;
    const auto begin = next + 15;
    cursor = "&cursor=" + reply.body.substr(begin, reply.body.find('"', begin) - begin);
  }
  EXPECT_EQ(rows, 25U);
  const auto csv = testing::get(api(), "/api/v1/spans?rack=paged&limit=5", token(), "Accept: text/csv\r\n");
  EXPECT_EQ(std::count(csv.body.begin(), csv.body.end(), '\n'), 6) << csv.body;
  EXPECT_THAT(csv.head, HasSubstr("Next-Cursor: "));
  EXPECT_EQ(testing::get(api(), "/api/v1/logs?rack=paged&since=1h", token()).status, 200);
  EXPECT_EQ(testing::get(api(), "/api/v1/metrics?rack=paged", token()).status, 200);
}

TEST_F(MixerTest, TailShowsATransactionWhenItIsStored) {
  const auto one = rack("tailed");
  ASSERT_TRUE(one->bus);
  const int fd = testing::connect_to(api());
  ASSERT_GE(fd, 0);
  ASSERT_TRUE(
      testing::send_all(fd, "GET /api/v1/tail?rack=tailed HTTP/1.1\r\nHost: mixer\r\nAuthorization: Bearer " +
                                token() + "\r\n\r\n"));
  EXPECT_THAT(testing::read_until(fd, "\r\n\r\n"), HasSubstr("application/x-ndjson"));
  one->publish(testing::audit_block(one->machine, 1, 2));
  EXPECT_THAT(testing::read_until(fd, "\"sequence\":2"), HasSubstr(R"("rack":"tailed")"));
  ::close(fd);
}

TEST_F(MixerTest, RequestsWithoutTheTokenAreRefusedAndProbesAreNot) {
  EXPECT_EQ(testing::get(api(), "/api/v1/status", "wrong").status, 401);
  EXPECT_EQ(testing::send_request(api(), "GET /api/v1/racks HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n")
                .status,
            401);
  EXPECT_EQ(testing::get(api(), "/livez", "").status, 200);
  EXPECT_EQ(testing::get(api(), "/readyz", "").status, 200);
  EXPECT_EQ(testing::get(api(), "/openapi.yaml", "").status, 200);
  EXPECT_EQ(std::filesystem::status(world_->config.token_path()).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(MixerTest, MalformedAndOversizeRequestsAreAnsweredInHttpsOwnWords) {
  EXPECT_EQ(testing::send_request(api(), "NONSENSE\r\n\r\n").status, 400);
  EXPECT_EQ(testing::get(api(), "/api/v1/transactions?limit=zero", token()).status, 400);
  EXPECT_EQ(testing::get(api(), "/api/v1/transactions?rak=x", token()).status, 400);
  EXPECT_EQ(testing::get(api(), "/api/v1/transactions?cursor=x~y", token()).status, 400);
  EXPECT_EQ(testing::get(api(), "/api/v1/transactions?rack=%zz", token()).status, 400);
  EXPECT_EQ(testing::get(api(), "/nothing", token()).status, 404);
  EXPECT_EQ(testing::post(api(), "/api/v1/racks", token(), "{}").status, 405);
  EXPECT_EQ(testing::post(api(), "/api/v1/sql", token(), "no json").status, 400);
  EXPECT_EQ(testing::post(api(), "/api/v1/sql", token(), std::string((1U << 20) + 1, 'x')).status, 413);
  EXPECT_EQ(testing::get(api(), "/livez", "", "X-Long: " + std::string(20'000, 'x') + "\r\n").status, 431);
}

TEST_F(MixerTest, SqlIsReadOnlyAndBoundParametersStayValues) {
  EXPECT_EQ(testing::post(api(), "/api/v1/sql", token(), R"({"sql":"DELETE FROM racks"})").status, 400);
  EXPECT_EQ(testing::get(api(), "/api/v1/sql?q=SELECT+1+AS+one", token()).body,
            R"({"columns":[{"name":"one","type":"INTEGER"}],"rows":[[1]],"truncated":false})"
            "\n");
  const auto reply = testing::get(api(), "/api/v1/transactions?rack=x'%20OR%20'1'='1", token());
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, HasSubstr(R"("transactions":[])"));
}

}  // namespace
}  // namespace fluxrig::mixer
