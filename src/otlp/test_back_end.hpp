// A back end for tests: one thread, loopback, HTTP/1.1 one request at a time; answers what it is told, then
// what `otherwise` says. The destructor ends it.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "otlp/test_listener.hpp"

namespace fluxrig::otlp {

class TestBackEnd {
 public:
  struct Request {
    std::string head;
    std::string body;
    int connection = 0;  // the first is 1
  };
  static constexpr const char* kOk = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
  static constexpr const char* kCut = "";  // closes without a byte
  static constexpr const char* kSilence = "silence";

  // `script`: the bytes of each answer, one after the other; those with "connection: close" close.
  explicit TestBackEnd(std::vector<std::string> script = {}, std::string otherwise = kOk);
  ~TestBackEnd();
  TestBackEnd(const TestBackEnd&) = delete;
  TestBackEnd& operator=(const TestBackEnd&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return listener_.port(); }
  [[nodiscard]] std::vector<Request> requests() const;
  // Waits until there were so many; false: not within 10 s.
  [[nodiscard]] bool wait_for(std::size_t count) const;

 private:
  void serve(int socket);
  [[nodiscard]] bool read_request(int socket, Request& request);
  [[nodiscard]] std::string next_answer();

  std::string otherwise_;
  std::string pending_;  // read and not yet a request
  int connections_ = 0;
  mutable std::mutex mutex_;  // script and requests
  std::deque<std::string> script_;
  std::vector<Request> requests_;
  TestListener listener_;
};

}  // namespace fluxrig::otlp
