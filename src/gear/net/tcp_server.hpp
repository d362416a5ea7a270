// The gear `tcp_server`: a listener for framed messages; every frame is a transaction
// (docs/gears/tcp_server.md). Several are in flight on one connection; replies are written as they come.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

#include "gear/gear.hpp"
#include "gear/net/framing.hpp"
#include "gear/net/tls.hpp"
#include "gear/services.hpp"
#include "gear/settings.hpp"

namespace fluxrig::gear::net {

class Listener;
class TcpConnection;
struct Accepted;

struct TcpServerOptions {
  Endpoint listen;
  Framing framing = Framing::kLength2;
  std::size_t max_frame = 64U << 10;
  std::chrono::milliseconds idle_timeout{300'000};
  std::uint32_t max_connections = 1024;
  std::uint32_t max_in_flight = 1024;  // on one connection; then it is not read until one is answered
  bool close_on_failure = true;        // when no gear put the failure into words of the protocol
  std::optional<TlsFiles> tls;
};

class TcpServer final : public Gear {
 public:
  explicit TcpServer(TcpServerOptions options);
  ~TcpServer() override;

  Outcome<void> start(Services& services) override;
  Step on_request(Transaction& transaction, Message& message) override;
  Step on_failure(Transaction& transaction, const Failure& failure, Message& reply) override;
  void send_reply(Transaction& transaction, Message& message) override;
  void drain() override;
  void stop() override;

  // The port that is listened on; 0 before start and after drain.
  [[nodiscard]] std::uint16_t bound_port() const noexcept;
  [[nodiscard]] std::size_t connections() const noexcept { return connections_.size(); }

 private:
  friend class TcpConnection;

  void on_accept(const Accepted& accepted);
  void forget(std::uint32_t id) { connections_.erase(id); }
  [[nodiscard]] TcpConnection* connection_of(std::uint64_t cookie) noexcept;

  TcpServerOptions options_;
  Services* services_ = nullptr;
  std::shared_ptr<TlsContext> tls_;
  std::unique_ptr<Listener> listener_;
  std::unordered_map<std::uint32_t, std::shared_ptr<TcpConnection>> connections_;
  std::uint32_t last_id_ = 0;
  std::uint16_t port_ = 0;
  tap::NameId span_;
  tap::FieldId client_;
  tap::FieldId transport_;
  tap::FieldId server_port_;
};

}  // namespace fluxrig::gear::net
