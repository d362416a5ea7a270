#include "otlp/test_back_end.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>

#include "base/assert.hpp"

namespace fluxrig::otlp {

TestBackEnd::TestBackEnd(std::vector<std::string> script, std::string otherwise)
    : otherwise_(std::move(otherwise)), script_(script.begin(), script.end()) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  FR_ASSERT(::bind(listener_, any, size) == 0 && ::listen(listener_, 8) == 0);
  FR_ASSERT(::getsockname(listener_, any, &size) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

TestBackEnd::~TestBackEnd() {
  stop_.store(true);
  thread_.join();
  ::close(listener_);
}

std::vector<TestBackEnd::Request> TestBackEnd::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

bool TestBackEnd::wait_for(std::size_t count) const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < deadline) {
    if (requests().size() >= count) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

// False: told to stop.
bool TestBackEnd::wait_readable(int socket) const {
  while (!stop_.load()) {
    pollfd waiting{socket, POLLIN, 0};
    if (::poll(&waiting, 1, 20) > 0) return true;
  }
  return false;
}

void TestBackEnd::run() {
  while (wait_readable(listener_)) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    ++connections_;
    serve(socket);
    ::close(socket);
  }
}

void TestBackEnd::serve(int socket) {
  pending_.clear();
  for (;;) {
    Request request;
    request.connection = connections_;
    if (!read_request(socket, request)) return;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(std::move(request));
    }
    const auto answer = next_answer();
    if (answer == kSilence) {
      char byte = 0;
      while (wait_readable(socket) && ::recv(socket, &byte, 1, 0) > 0) {
      }
      return;
    }
    std::size_t sent = 0;
    while (sent < answer.size()) {
      const auto done = ::send(socket, answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
      if (done <= 0) return;
      sent += static_cast<std::size_t>(done);
    }
    if (answer.empty() || answer.find("connection: close") != std::string::npos) return;
  }
}

bool TestBackEnd::read_request(int socket, Request& request) {
  constexpr std::string_view kLength = "content-length: ";
  for (;;) {
    const auto end = pending_.find("\r\n\r\n");
    if (end != std::string::npos) {
      std::size_t length = 0;
      if (const auto field = pending_.find(kLength); field < end)
        std::from_chars(pending_.data() + field + kLength.size(), pending_.data() + end, length);
      if (pending_.size() >= end + 4 + length) {
        request.head = pending_.substr(0, end + 2);
        request.body = pending_.substr(end + 4, length);
        pending_.erase(0, end + 4 + length);
        return true;
      }
    }
    char bytes[65536];
    if (!wait_readable(socket)) return false;
    const auto got = ::recv(socket, bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    pending_.append(bytes, static_cast<std::size_t>(got));
  }
}

std::string TestBackEnd::next_answer() {
  const std::lock_guard lock(mutex_);
  if (script_.empty()) return otherwise_;
  auto answer = std::move(script_.front());
  script_.pop_front();
  return answer;
}

}  // namespace fluxrig::otlp
