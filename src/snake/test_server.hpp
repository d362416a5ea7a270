// For tests: an authority, certificates and a real nats-server on loopback in a directory of its own; removed
// at the end.
#pragma once

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/diagnostics.hpp"
#include "base/random.hpp"
#include "base/test_gate.hpp"
#include "sanitize/test_clean_bytes.hpp"
#include "snake/nats_bus.hpp"
#include "snake/pki/authority.hpp"
#include "snake/server_config.hpp"
#include "snake/server_process.hpp"

namespace fluxrig::snake::testing {

inline constexpr std::chrono::seconds kPatience{20};

// SIGSTOP stops the threads of a process one by one, soon; this returns when all have stopped. False: not in
// time.
inline bool freeze(pid_t pid) {
  if (::kill(pid, SIGSTOP) != 0) return false;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    bool stopped = true;
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
      std::ifstream in(task.path() / "stat");
      std::string text;
      std::getline(in, text);
      // "pid (name) S ...": the state follows the last parenthesis.
      const auto after = text.rfind(')');
      stopped = stopped && after != std::string::npos && text.size() > after + 2 && text[after + 2] == 'T';
    }
    if (stopped) return true;
    std::this_thread::yield();
  }
  return false;
}

// Accepts one connection on a loopback port and never says a word on it.
class SilentServer {
 public:
  explicit SilentServer(std::uint16_t port) : listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int yes = 1;
    (void)::setsockopt(listening_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(listening_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listening_, 1) != 0)
      std::abort();
  }
  ~SilentServer() {
    if (accepted_ >= 0) (void)::close(accepted_);
    (void)::close(listening_);
  }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;
  // Waits for a client; false: none came.
  [[nodiscard]] bool accepted() {
    pollfd wait{listening_, POLLIN, 0};
    if (::poll(&wait, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) != 1) return false;
    accepted_ = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    return accepted_ >= 0;
  }

 private:
  int listening_;
  int accepted_ = -1;
};

// What callbacks deliver, waited for with a deadline.
template <typename T>
class Mailbox {
 public:
  void put(T value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    arrived_.notify_all();
  }
  std::optional<T> take(std::chrono::milliseconds patience = kPatience) {
    std::unique_lock lock(mutex_);
    if (!arrived_.wait_for(lock, patience, [&] { return !values_.empty(); })) return std::nullopt;
    T value = std::move(values_.front());
    values_.pop_front();
    return value;
  }
  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return values_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<T> values_;
};

class Directory {
 public:
  Directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fluxrig-snake-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  [[nodiscard]] std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

class TestServer {
 public:
  SystemClock clock;
  SeededRandom random = SeededRandom::from_system();
  Diagnostics quiet{clock, 2, DiagnosticFormat::kText, Severity::kError, pass_unsearched};
  Directory directory;
  std::uint16_t port = 0;
  MessageGrants grants;
  std::unique_ptr<ServerProcess> process;

  TestServer() {
    std::filesystem::create_directory(directory / "store");
    must(init_authority(pki(), clock));
    must(issue_certificate(
        pki(), {.role = CertificateRole::kServer, .name = "server", .hosts = {"127.0.0.1"}}, clock, random));
    must(issue_certificate(pki(), {.role = CertificateRole::kMixer, .name = "mixer", .hosts = {}}, clock,
                           random));
    edge = rack("edge");
    host = rack("host");
    const auto free = free_port();
    must(free);
    port = *free;
    (void)grants.add("host", "bank");
  }

  [[nodiscard]] std::string pki() const { return directory / "pki"; }

  MachineId rack(const std::string& name) {
    const auto entry =
        issue_certificate(pki(), {.role = CertificateRole::kRack, .name = name, .hosts = {}}, clock, random);
    must(entry);
    return *entry->machine_id;
  }

  [[nodiscard]] ServerSettings settings() const {
    ServerSettings settings;
    settings.host = "127.0.0.1";
    settings.port = port;
    settings.certificate_authority = pki() + "/ca.crt";
    settings.certificate = pki() + "/server.crt";
    settings.key = pki() + "/server.key";
    settings.store_directory = directory / "store";
    settings.log_file = directory / "server.log";
    settings.max_file_bytes = 256U << 20;
    return settings;
  }

  void write_config() {
    const auto index = load_index(pki());
    must(index);
    const auto version = server_version("nats-server");
    must(version);
    const auto text = render_server_config(settings(), *index, grants, *version);
    must(text);
    std::FILE* file = std::fopen((directory / "server.conf").c_str(), "w");
    if (file == nullptr || std::fputs(text->c_str(), file) < 0 || std::fclose(file) != 0) std::abort();
  }

  [[nodiscard]] ServerProcessOptions process_options() const {
    ServerProcessOptions options;
    options.config_file = directory / "server.conf";
    options.port = port;
    options.store_directory = directory / "store";
    options.log_file = directory / "server.log";
    return options;
  }

  void start() {
    write_config();
    auto started = ServerProcess::start(process_options(), quiet);
    must(started);
    process = std::move(*started);
  }

  // `name` is that of the certificate's files.
  [[nodiscard]] NatsOptions options(const std::string& name, const std::string& inbox) const {
    NatsOptions options;
    options.servers = {"nats://127.0.0.1:" + std::to_string(port)};
    options.certificate_authority = pki() + "/ca.crt";
    options.certificate = pki() + "/" + name + ".crt";
    options.key = pki() + "/" + name + ".key";
    options.name = name;
    options.inbox = inbox;
    options.retry_first_connect = false;
    options.connect_timeout = std::chrono::milliseconds(5000);
    return options;
  }

  std::unique_ptr<NatsBus> connect_as(NatsOptions options) {
    auto bus = snake::connect(std::move(options), quiet);
    must(bus);
    return std::move(*bus);
  }
  std::unique_ptr<NatsBus> mixer() { return connect_as(options("mixer", "mixer")); }
  std::unique_ptr<NatsBus> edge_bus() { return connect_as(rack_options("edge", edge)); }
  std::unique_ptr<NatsBus> host_bus() { return connect_as(rack_options("host", host)); }
  // With one thread for all deliveries, as a rack has it.
  [[nodiscard]] NatsOptions rack_options(const std::string& name, const MachineId& machine) const {
    NatsOptions rack = options(name, to_string(machine));
    rack.one_delivery_thread = true;
    return rack;
  }

  MachineId edge;
  MachineId host;

  template <typename Value>
  static void must(const Outcome<Value>& outcome) {
    if (outcome) return;
    std::fprintf(stderr, "test server: %s\n", outcome.error().message.c_str());
    std::abort();
  }
};

// Publishes and waits for the answer.
inline Result<PublishReceipt> publish_and_wait(Bus& bus, Outgoing message) {
  auto answer = std::make_shared<Mailbox<Result<PublishReceipt>>>();
  if (auto handed =
          bus.publish_stream(std::move(message), [answer](Result<PublishReceipt> r) { answer->put(r); });
      !handed)
    return tl::unexpected<Error>(handed.error());
  auto result = answer->take();
  return result ? *result : fail(ErrorCode::kInternal, "done was never called");
}

inline Outgoing outgoing(std::string subject, std::string_view text = "x", std::string id = {}) {
  const auto bytes = as_bytes(text);
  return {std::move(subject), {}, sanitize::TestBytes::of(bytes), std::move(id)};
}

}  // namespace fluxrig::snake::testing
