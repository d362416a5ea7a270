// A TestGrpcPeer behind a port: one thread, loopback, one connection after the other. The destructor ends it.
#pragma once

#include <deque>
#include <mutex>
#include <vector>

#include "otlp/test_grpc_peer.hpp"
#include "otlp/test_listener.hpp"

namespace fluxrig::otlp {

class TestGrpcBackEnd {
 public:
  // `script`: of all connections together.
  explicit TestGrpcBackEnd(std::deque<TestGrpcPeer::Reply> script = {});
  ~TestGrpcBackEnd();
  TestGrpcBackEnd(const TestGrpcBackEnd&) = delete;
  TestGrpcBackEnd& operator=(const TestGrpcBackEnd&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return listener_.port(); }
  struct Call {
    TestGrpcPeer::Call call;
    int connection = 0;  // the first is 1
  };
  [[nodiscard]] std::vector<Call> calls() const;
  // Says GOAWAY with what it sends next.
  void leave();

 private:
  void serve(int socket);

  mutable std::mutex mutex_;  // what is below
  std::deque<TestGrpcPeer::Reply> script_;
  std::vector<Call> calls_;
  bool is_leaving_ = false;

  int connections_ = 0;  // the thread's
  TestListener listener_;
};

}  // namespace fluxrig::otlp
