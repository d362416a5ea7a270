// What back ends for tests have in common: a port on loopback, one connection after the other on a thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>
#include <thread>

namespace fluxrig::otlp {

class TestListener {
 public:
  TestListener();
  ~TestListener();  // after stop()
  TestListener(const TestListener&) = delete;
  TestListener& operator=(const TestListener&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  // Begins to hand every connection to `serve`, which returns when it is over.
  void start(std::function<void(int socket)> serve);
  void stop();

  // False: told to stop.
  [[nodiscard]] bool wait_readable(int socket) const;
  // False: the peer has gone.
  [[nodiscard]] static bool send_all(int socket, std::string_view bytes);

 private:
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace fluxrig::otlp
