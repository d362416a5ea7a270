#include "otlp/test_listener.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.hpp"

namespace fluxrig::otlp {

TestListener::TestListener() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  FR_ASSERT(::bind(listener_, any, size) == 0 && ::listen(listener_, 8) == 0);
  FR_ASSERT(::getsockname(listener_, any, &size) == 0);
  port_ = ntohs(address.sin_port);
}

TestListener::~TestListener() { ::close(listener_); }

void TestListener::start(std::function<void(int)> serve) {
  thread_ = std::thread([this, serve = std::move(serve)] {
    while (wait_readable(listener_)) {
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) continue;
      serve(socket);
      ::close(socket);
    }
  });
}

void TestListener::stop() {
  stop_.store(true);
  thread_.join();
}

bool TestListener::wait_readable(int socket) const {
  while (!stop_.load()) {
    pollfd waiting{socket, POLLIN, 0};
    if (::poll(&waiting, 1, 20) > 0) return true;
  }
  return false;
}

bool TestListener::send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto done = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (done <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

}  // namespace fluxrig::otlp
