// One connection of the load generator: a non-blocking socket with its buffers and the requests that wait on
// it. Owned and driven by LoadEngine; one thread.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"

namespace fluxrig::client {

struct LoadAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};
// The first address of the host that accepts a connection within the time; the sentence names the target, the
// cause and the next step.
[[nodiscard]] Outcome<LoadAddress> find_listening(const std::string& host, std::uint16_t port,
                                                  std::int64_t timeout_nanos);

struct WaitingRequest {
  std::uint64_t key = 0;
  TraceId trace_id;
  std::int64_t due = 0;   // monotonic ns
  std::int64_t sent = 0;  // monotonic ns
};

class LoadConnection {
 public:
  enum class State : std::uint8_t { kClosed, kConnecting, kReady };
  enum class Flow : std::uint8_t { kDone, kBlocked, kBroken };

  LoadConnection() = default;
  ~LoadConnection() { close(); }
  LoadConnection(const LoadConnection&) = delete;
  LoadConnection& operator=(const LoadConnection&) = delete;

  // Closed -> connecting; false when not even that is possible.
  [[nodiscard]] bool open(const LoadAddress& address);
  // The socket became writable: connecting -> ready, or false.
  [[nodiscard]] bool finish_open();
  void close();

  // Writes what `out` holds.
  [[nodiscard]] Flow flush();
  // Reads what there is, a bounded piece; kDone: bytes were added, kBlocked: none were there, kBroken: the
  // peer is gone.
  [[nodiscard]] Flow receive();
  [[nodiscard]] std::string_view input() const noexcept { return std::string_view(in_).substr(in_begin_); }
  void consume(std::size_t bytes);

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] State state() const noexcept { return state_; }

  std::string out;                      // to be written; flush takes from its front
  std::vector<WaitingRequest> waiting;  // oldest first
  std::uint32_t generation = 0;         // of the socket: events of an earlier one are recognised by it
  std::int64_t changed_at = 0;          // when it began to connect, or closed
  std::int64_t retry_delay = 0;
  bool listed = false;  // among the free ones
  bool wants_write = false;

 private:
  int fd_ = -1;
  State state_ = State::kClosed;
  std::string in_;
  std::size_t in_begin_ = 0;
};

}  // namespace fluxrig::client
