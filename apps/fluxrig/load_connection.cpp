#include "fluxrig/load_connection.hpp"

#include <fmt/core.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/clock.hpp"
#include "fluxrig/terminal.hpp"

namespace fluxrig::client {
namespace {

constexpr std::size_t kReadBytes = 64U << 10;

int connect_error(const LoadAddress& address, std::int64_t timeout_nanos) {
  LoadConnection probe;
  if (!probe.open(address)) return errno;
  pollfd wait{probe.fd(), POLLOUT, 0};
  const int ready = ::poll(&wait, 1, static_cast<int>(timeout_nanos / kNanosPerMilli));
  if (ready == 0) return ETIMEDOUT;
  return probe.finish_open() ? 0 : errno;
}

}  // namespace

Outcome<LoadAddress> find_listening(const std::string& host, std::uint16_t port, std::int64_t timeout_nanos) {
  const auto target = fmt::format("{}:{}", printable(host), port);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (failed != 0)
    return problem(fmt::format("{}: the name cannot be resolved: {}", target, ::gai_strerror(failed)));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  int error = ECONNREFUSED;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    LoadAddress address;
    address.size = entry->ai_addrlen;
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    error = connect_error(address, timeout_nanos);
    if (error == 0) return address;
  }
  return problem(fmt::format("{}: cannot connect: {}; is the rack running, and is this its address?", target,
                             std::strerror(error)));
}

bool LoadConnection::open(const LoadAddress& address) {
  close();
  fd_ = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return false;
  ++generation;
  const int on = 1;
  (void)::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  state_ = State::kConnecting;
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0) return true;
  return errno == EINPROGRESS;
}

bool LoadConnection::finish_open() {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return false;
  if (error != 0) {
    errno = error;
    return false;
  }
  state_ = State::kReady;
  return true;
}

void LoadConnection::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  state_ = State::kClosed;
  out.clear();
  in_.clear();
  in_begin_ = 0;
  wants_write = false;
}

LoadConnection::Flow LoadConnection::flush() {
  std::size_t written = 0;
  Flow flow = Flow::kDone;
  while (written < out.size() && flow == Flow::kDone) {
    const auto size = ::send(fd_, out.data() + written, out.size() - written, MSG_NOSIGNAL);
    if (size > 0)
      written += static_cast<std::size_t>(size);
    else if (errno == EAGAIN)
      flow = Flow::kBlocked;
    else if (errno != EINTR)
      flow = Flow::kBroken;
  }
  out.erase(0, written);
  return flow;
}

LoadConnection::Flow LoadConnection::receive() {
  // Shared by all connections of the thread: growing `in_` first would fill it with zeros at each read.
  thread_local std::array<char, kReadBytes> scratch;
  ssize_t size = 0;
  do {
    size = ::recv(fd_, scratch.data(), scratch.size(), 0);
  } while (size < 0 && errno == EINTR);
  if (size > 0) in_.append(scratch.data(), static_cast<std::size_t>(size));
  if (size > 0) return Flow::kDone;
  return size < 0 && errno == EAGAIN ? Flow::kBlocked : Flow::kBroken;
}

void LoadConnection::consume(std::size_t bytes) {
  in_begin_ += bytes;
  if (in_begin_ < in_.size() && in_begin_ < kReadBytes) return;
  in_.erase(0, in_begin_);
  in_begin_ = 0;
}

}  // namespace fluxrig::client
