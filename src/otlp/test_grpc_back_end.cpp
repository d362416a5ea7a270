#include "otlp/test_grpc_back_end.hpp"

#include <sys/socket.h>

#include <array>
#include <utility>

namespace fluxrig::otlp {

TestGrpcBackEnd::TestGrpcBackEnd(std::deque<TestGrpcPeer::Reply> script) : script_(std::move(script)) {
  listener_.start([this](int socket) {
    ++connections_;
    serve(socket);
  });
}

TestGrpcBackEnd::~TestGrpcBackEnd() { listener_.stop(); }

std::vector<TestGrpcBackEnd::Call> TestGrpcBackEnd::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

void TestGrpcBackEnd::leave() {
  const std::lock_guard lock(mutex_);
  is_leaving_ = true;
}

void TestGrpcBackEnd::serve(int socket) {
  std::deque<TestGrpcPeer::Reply> script;
  {
    const std::lock_guard lock(mutex_);
    script = script_;
  }
  TestGrpcPeer peer(std::move(script));
  std::array<char, 65'536> bytes{};
  std::size_t known = 0;
  while (TestListener::send_all(socket, peer.output())) {
    if (!listener_.wait_readable(socket)) return;
    const auto got = ::recv(socket, bytes.data(), bytes.size(), 0);
    if (got <= 0 || !peer.take({bytes.data(), static_cast<std::size_t>(got)})) return;
    const std::lock_guard lock(mutex_);
    for (; known < peer.calls().size() && peer.calls()[known].is_whole; ++known) {
      calls_.push_back({peer.calls()[known], connections_});
      if (!script_.empty()) script_.pop_front();
    }
    if (std::exchange(is_leaving_, false)) peer.leave(INT32_MAX);
  }
}

}  // namespace fluxrig::otlp
