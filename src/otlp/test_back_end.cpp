#include "otlp/test_back_end.hpp"

#include <sys/socket.h>

#include <charconv>
#include <chrono>

namespace fluxrig::otlp {

TestBackEnd::TestBackEnd(std::vector<std::string> script, std::string otherwise)
    : otherwise_(std::move(otherwise)), script_(script.begin(), script.end()) {
  listener_.start([this](int socket) {
    ++connections_;
    serve(socket);
  });
}

TestBackEnd::~TestBackEnd() { listener_.stop(); }

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
      while (listener_.wait_readable(socket) && ::recv(socket, &byte, 1, 0) > 0) {
      }
      return;
    }
    if (!TestListener::send_all(socket, answer)) return;
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
    if (!listener_.wait_readable(socket)) return false;
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
