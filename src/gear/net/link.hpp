// One connection: TCP, or TLS over it. Reads into one reused buffer, writes everything that was appended
// since the last write at once, and keeps one deadline for its user. Boost stays in the .cpp. One thread (the
// io thread); nothing blocks.
//
// Owned by shared_ptr, because an operation in progress must keep its buffers alive; its user lets go with
// close(), after which none of the user's functions is called.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gear/net/tls.hpp"

namespace boost::asio {
class io_context;
}

namespace fluxrig::gear::net {

class Link;

struct Closed {
  enum class Reason : std::uint8_t {
    kPeer,      // the peer closed in order
    kLost,      // reset, unreachable
    kConnect,   // never came up
    kTls,       // the handshake failed
    kStalled,   // the peer does not read, or the handshake takes too long
    kFinished,  // as close_after_writing asked
  };
  Reason reason = Reason::kLost;
  std::string message;  // the system's words for the operator
};

class LinkUser {
 public:
  virtual ~LinkUser() = default;
  // Connected, handshake done. Not called for links whose user closes them before.
  virtual void on_open(Link&) {}
  // Returns how many bytes it took from the front; the rest is presented again when more has come, or after
  // resume_reading. May call every function of the link.
  virtual std::size_t on_bytes(Link&, std::string_view bytes) = 0;
  // The deadline has passed.
  virtual void on_deadline(Link&) = 0;
  // Output was over kMuchOutput and is not any more.
  virtual void on_written(Link&) {}
  // Exactly once, unless the user called close().
  virtual void on_closed(Link&, const Closed&) = 0;
};

struct Accepted {
  int socket = -1;  // owned by whoever holds this
  bool ip6 = false;
  std::string peer_address;  // without the port
};

struct ConnectTo {
  std::string host;
  std::uint16_t port = 0;
  std::chrono::milliseconds timeout{5000};
};

class Link : public std::enable_shared_from_this<Link> {
 public:
  static constexpr std::size_t kMuchOutput = 1U << 20;
  static constexpr std::chrono::seconds kHandshakeTimeout{10};
  static constexpr std::chrono::seconds kWriteTimeout{30};
  static constexpr std::chrono::seconds kLinger{2};

  struct Setup {
    boost::asio::io_context* io = nullptr;
    LinkUser* user = nullptr;            // stays valid until close() or on_closed
    std::shared_ptr<TlsContext> tls;     // null: plain
    std::size_t max_buffer = 64U << 10;  // the most that on_bytes may leave untaken
  };
  [[nodiscard]] static std::shared_ptr<Link> accept(const Setup& setup, const Accepted& accepted);
  [[nodiscard]] static std::shared_ptr<Link> connect(const Setup& setup, const ConnectTo& to);
  virtual ~Link() = default;

  // Append to output(), then send(). Within on_bytes everything is sent together at its end.
  [[nodiscard]] virtual std::string& output() noexcept = 0;
  virtual void send() = 0;
  [[nodiscard]] virtual std::size_t unsent() const noexcept = 0;

  // No on_bytes until resumed. What the socket holds waits there.
  virtual void pause_reading() noexcept = 0;
  virtual void resume_reading() = 0;

  virtual void set_deadline(std::chrono::milliseconds after) = 0;
  virtual void clear_deadline() noexcept = 0;

  // Drops what is unsent.
  virtual void close() noexcept = 0;
  // Writes what is there, tells the peer, and waits up to kLinger for its end, so that the last bytes are not
  // lost to a reset. No on_bytes afterwards; on_closed(kFinished) follows.
  virtual void close_after_writing() = 0;
  [[nodiscard]] virtual bool open() const noexcept = 0;
};

}  // namespace fluxrig::gear::net
