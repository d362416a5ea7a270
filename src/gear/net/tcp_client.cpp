#include "gear/net/tcp_client.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "gear/net/tcp_peer.hpp"
#include "gear/transaction.hpp"

namespace fluxrig::gear::net {

TcpClient::TcpClient(TcpClientOptions options) : options_(std::move(options)) {}
TcpClient::~TcpClient() = default;

Outcome<void> TcpClient::start(Services& services) {
  services_ = &services;
  correlates_ = services.correlates(*this);
  address_ = services.names().field("network.peer.address", sanitize::Action::kKeep);
  port_ = services.names().field("network.peer.port", sanitize::Action::kKeep);
  transport_ = services.names().field("network.transport", sanitize::Action::kKeep);
  if (options_.tls) {
    auto context = TlsContext::client(*options_.tls);
    if (!context)
      return problem(fmt::format("gear '{}': {}", services.name_of(*this), context.error().message));
    tls_ = *std::move(context);
  }
  for (std::uint32_t i = 0; i < options_.connections; ++i) {
    peers_.push_back(std::make_unique<TcpPeer>(*this));
    peers_.back()->connect();
  }
  return {};
}

std::size_t TcpClient::connected() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(peers_.begin(), peers_.end(), [](const auto& peer) { return peer->open(); }));
}

TcpPeer* TcpClient::choose(bool& any_open) noexcept {
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    auto* peer = peers_[turn_ % peers_.size()].get();
    turn_ = (turn_ + 1) % peers_.size();
    if (!peer->open()) continue;
    any_open = true;
    if (peer->has_room()) return peer;
  }
  return nullptr;
}

Step TcpClient::on_request(Transaction& transaction, Message& message) {
  transaction.attribute(address_, std::string_view(options_.connect.host));
  transaction.attribute(port_, std::int64_t{options_.connect.port});
  transaction.attribute(transport_, std::string_view("tcp"));
  if (message.payload.empty()) return Step::fail(FailureCode::kMalformed, "the request has no bytes to send");
  if (message.payload.size() > options_.max_frame)
    return Step::fail(FailureCode::kOversize, "the request is over max_frame");
  if (correlates_ && transaction.correlation.empty())
    return Step::fail(FailureCode::kRejected, "the request has no keys to find its reply by");
  bool any_open = false;
  auto* peer = choose(any_open);
  if (peer == nullptr)
    return Step::fail(FailureCode::kUnavailable,
                      any_open ? "too many requests wait for the peer" : "the peer is not connected");
  transaction.count_bytes(0, message.payload.size() + overhead(options_.framing));
  return peer->send(transaction.ticket(), transaction.correlation, message.payload);
}

void TcpClient::stop() { peers_.clear(); }

}  // namespace fluxrig::gear::net
