// One caller of tcp_server. One thread. Owned by its TcpServer, by shared_ptr because a call from the link
// may end the connection while it runs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gear/net/in_flight.hpp"
#include "gear/net/link.hpp"
#include "gear/services.hpp"

namespace fluxrig::gear::net {

class TcpServer;

class TcpConnection final : public LinkUser, public std::enable_shared_from_this<TcpConnection> {
 public:
  struct Waiting {
    Ticket ticket;
    bool begun = false;
    std::optional<Failure> refusal;  // the frame itself is not acceptable
  };

  TcpConnection(TcpServer& server, std::uint32_t id, std::string peer_address);

  void start(const Accepted& accepted);
  void drain();
  void stop() { link_->close(); }

  [[nodiscard]] Waiting* find(std::uint32_t number) noexcept { return waiting_.find(number); }
  [[nodiscard]] const std::string& peer_address() const noexcept { return peer_address_; }
  void respond(std::uint32_t number, std::string_view payload);
  // Nothing can be said to the caller.
  void unanswered(std::uint32_t number);

  std::size_t on_bytes(Link& link, std::string_view bytes) override;
  void on_open(Link& link) override;
  void on_deadline(Link& link) override;
  void on_written(Link& link) override { resume(link); }
  void on_closed(Link& link, const Closed& closed) override;

 private:
  void begin(std::string_view payload, std::size_t wire_bytes, std::optional<Failure> refusal);
  void done(std::uint32_t number);
  void resume(Link& link);

  TcpServer& server_;
  std::uint32_t id_;
  std::string peer_address_;
  std::shared_ptr<Link> link_;
  InFlight<Waiting> waiting_;
  bool last_ = false;     // no further frame is read; closes when nothing is in flight
  bool partial_ = false;  // the beginning of a frame is there
  bool paused_ = false;
};

}  // namespace fluxrig::gear::net
