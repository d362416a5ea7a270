// The nats-server that the mixer runs: started, watched, restarted with backoff, reloaded, stopped. A thread
// of its own owns the child; the methods may be called from any thread. The child dies with this process,
// however that ends.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/diagnostics.hpp"
#include "base/result.hpp"
#include "snake/server_config.hpp"

namespace fluxrig::snake {

struct ServerProcessOptions {
  std::string executable = "nats-server";
  std::string config_file;         // written by the caller before start and before reload
  std::string host = "127.0.0.1";  // where it accepts connections, seen from here
  std::uint16_t port = 4222;
  std::string store_directory;
  std::string log_file;
  // For the server of a mixer that was killed to be gone from the store: the system ends it with its parent,
  // which takes a while on a busy machine.
  std::chrono::milliseconds store_patience{5'000};
  std::chrono::milliseconds start_deadline{20'000};
  std::chrono::milliseconds stop_deadline{10'000};
  std::chrono::milliseconds first_backoff{200};
  std::chrono::milliseconds longest_backoff{10'000};
};

// What is installed; a sentence with the package's name when nothing is.
[[nodiscard]] Outcome<ServerVersion> server_version(const std::string& executable);
// `nats-server -c FILE -t`.
[[nodiscard]] Outcome<void> validate_server_config(const std::string& executable, const std::string& file);
// A port of 127.0.0.1 that nobody uses at this moment.
[[nodiscard]] Outcome<std::uint16_t> free_port();

class ServerProcess {
 public:
  // Returns once it accepts connections. Fails, with nothing left running, when it is not installed, its
  // configuration is wrong, the port is taken, or another server uses the store.
  [[nodiscard]] static Outcome<std::unique_ptr<ServerProcess>> start(ServerProcessOptions options,
                                                                     Diagnostics& diagnostics);
  ~ServerProcess();  // stops it: SIGTERM, then SIGKILL at the deadline
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Validates the file, sends SIGHUP and waits until the server says that it took it. Connections stay.
  [[nodiscard]] Outcome<void> reload();
  [[nodiscard]] pid_t pid() const noexcept { return pid_.load(); }  // 0 while it is down
  [[nodiscard]] std::uint64_t restarts() const noexcept { return restarts_.load(); }

 private:
  ServerProcess(ServerProcessOptions options, Diagnostics& diagnostics, int lock, int wake);
  [[nodiscard]] Outcome<void> launch();
  [[nodiscard]] Outcome<void> await_listening(pid_t pid);
  [[nodiscard]] std::string last_words(std::size_t from) const;
  void run();
  // False: told to stop.
  [[nodiscard]] bool wait_child(pid_t pid);
  [[nodiscard]] bool wait_backoff(std::chrono::milliseconds pause);
  void end_child(pid_t pid);

  const ServerProcessOptions options_;
  Diagnostics& diagnostics_;
  const int lock_;  // held by us and the child: no second server on the store
  const int wake_;  // eventfd, readable once we are told to stop
  std::atomic<pid_t> pid_{0};
  std::atomic<std::uint64_t> restarts_{0};
  std::mutex mutex_;  // guards `first_`
  std::condition_variable started_;
  bool first_known_ = false;
  Outcome<void> first_;
  std::thread thread_;
};

}  // namespace fluxrig::snake
