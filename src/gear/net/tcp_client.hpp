// The gear `tcp_client`: sends framed messages to one address over a few lasting connections, and finds the
// request of each reply: by the protocol's keys when a codec before it knows them, else by order
// (docs/gears/tcp_client.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "gear/gear.hpp"
#include "gear/net/framing.hpp"
#include "gear/net/tls.hpp"
#include "gear/services.hpp"
#include "gear/settings.hpp"

namespace fluxrig::gear::net {

class TcpPeer;

struct TcpClientOptions {
  Endpoint connect;
  Framing framing = Framing::kLength2;
  std::uint32_t connections = 1;
  std::size_t max_frame = 64U << 10;
  std::uint32_t max_in_flight = 1024;  // on one connection
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds reply_timeout{30'000};
  std::chrono::milliseconds idle_timeout{0};  // 0: kept open for ever
  std::chrono::milliseconds reconnect_min{100};
  std::chrono::milliseconds reconnect_max{10'000};
  std::optional<TlsFiles> tls;
};

class TcpClient final : public Gear {
 public:
  explicit TcpClient(TcpClientOptions options);
  ~TcpClient() override;

  // Begins to connect; does not fail because the peer is away.
  Outcome<void> start(Services& services) override;
  Step on_request(Transaction& transaction, Message& message) override;
  void stop() override;

  [[nodiscard]] std::size_t connected() const noexcept;

 private:
  friend class TcpPeer;
  [[nodiscard]] TcpPeer* choose(bool& any_open) noexcept;

  TcpClientOptions options_;
  Services* services_ = nullptr;
  std::shared_ptr<TlsContext> tls_;
  std::vector<std::unique_ptr<TcpPeer>> peers_;
  std::size_t turn_ = 0;
  bool correlates_ = false;
  tap::FieldId address_;
  tap::FieldId port_;
  tap::FieldId transport_;
};

}  // namespace fluxrig::gear::net
