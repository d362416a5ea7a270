// A whole mixer over a real nats-server, real certificates and DuckDB, and racks that talk to it. Tests only.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/test_gate.hpp"
#include "mixer/mixer.hpp"
#include "mixer/test_chain.hpp"
#include "mixer/test_peers.hpp"
#include "model/agent.hpp"
#include "model/receipt.hpp"
#include "sanitize/clean_message.hpp"
#include "snake/subjects.hpp"
#include "snake/test_server.hpp"

namespace fluxrig::mixer {

// One for all tests of a suite: a mixer takes a second to start. Each test uses a rack of its own.
class MixerTest : public ::testing::Test {
 protected:
  struct World {
    SystemClock clock;
    SeededRandom random = SeededRandom::from_system();
    Diagnostics quiet{clock, 2, DiagnosticFormat::kText, Severity::kError, pass_unsearched};
    snake::testing::Directory directory;
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
      config.listen_otlp = Endpoint{"127.0.0.1", 0};
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
  static std::string token() { return first_word(world_->config.token_path()); }
  static std::string first_word(const std::string& path) {
    std::ifstream file(path);
    std::string text;
    file >> text;
    return text;
  }

  // A rack with a certificate, a connection and a mailbox of receipts.
  struct Rack {
    MachineId machine;
    std::unique_ptr<snake::NatsBus> bus;
    snake::testing::Mailbox<model::Receipt> receipts;
    std::unique_ptr<snake::Subscription> subscription;

    void publish(ByteView block) const {
      const auto done = snake::testing::publish_and_wait(
          *bus, {snake::audit_subject(machine), {}, sanitize::TestBytes::of(block), {}});
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
    const auto bytes = sanitize::clean_message(model::Hello{name, "0.1.0", Epoch{1}, {}, {}});
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

  inline static World* world_ = nullptr;
};

}  // namespace fluxrig::mixer
