#include "gear/net/tcp_server.hpp"

#include <fmt/format.h>

#include "gear/net/link.hpp"
#include "gear/net/listener.hpp"
#include "gear/net/tcp_connection.hpp"
#include "gear/transaction.hpp"

namespace fluxrig::gear::net {

TcpServer::TcpServer(TcpServerOptions options) : options_(std::move(options)) {}
TcpServer::~TcpServer() { stop(); }

Outcome<void> TcpServer::start(Services& services) {
  services_ = &services;
  span_ = services.names().name("tcp request");
  client_ = services.names().field("client.address", sanitize::Action::kKeep);
  transport_ = services.names().field("network.transport", sanitize::Action::kKeep);
  server_port_ = services.names().field("server.port", sanitize::Action::kKeep);
  const auto name = services.name_of(*this);
  if (options_.tls) {
    auto context = TlsContext::server(*options_.tls);
    if (!context) return problem(fmt::format("gear '{}': {}", name, context.error().message));
    tls_ = *std::move(context);
  }
  listener_ = std::make_unique<Listener>(
      services.io(), [this](const Accepted& accepted) { on_accept(accepted); },
      [this](const std::string& words) {
        services_->diagnostics().warn("gear.tcp_server", "cannot accept connections",
                                      {{"gear", std::string(services_->name_of(*this))}, {"cause", words}});
      });
  auto opened = listener_->open(options_.listen);
  if (!opened) return problem(fmt::format("gear '{}': {}", name, opened.error().message));
  port_ = listener_->port();
  services.diagnostics().info("gear.tcp_server", "listening",
                              {{"gear", std::string(name)}, {"port", std::to_string(port_)}});
  return {};
}

std::uint16_t TcpServer::bound_port() const noexcept { return listener_ ? listener_->port() : 0; }

void TcpServer::on_accept(const Accepted& accepted) {
  do {
    ++last_id_;
  } while (connections_.contains(last_id_));
  if (connections_.size() >= options_.max_connections) {
    services_->stray(*this, "over max_connections");
    Link::Setup setup;
    setup.io = &services_->io();
    Link::accept(setup, accepted)->close();
    return;
  }
  auto connection = std::make_shared<TcpConnection>(*this, last_id_, accepted.peer_address);
  connections_.emplace(last_id_, connection);
  connection->start(accepted);
}

TcpConnection* TcpServer::connection_of(std::uint64_t cookie) noexcept {
  const auto found = connections_.find(static_cast<std::uint32_t>(cookie >> 32));
  return found == connections_.end() ? nullptr : found->second.get();
}

Step TcpServer::on_request(Transaction& transaction, Message&) {
  auto* connection = connection_of(transaction.cookie());
  if (connection == nullptr) return Step::fail(FailureCode::kInternal, "the connection is gone");
  transaction.attribute(client_, connection->peer_address());
  transaction.attribute(transport_, std::string_view("tcp"));
  transaction.attribute(server_port_, std::int64_t{port_});
  const auto* waiting = connection->find(static_cast<std::uint32_t>(transaction.cookie()));
  if (waiting != nullptr && waiting->refusal) return Step::fail(*waiting->refusal);
  return Step::next();
}

// Asked last: no gear had words for it, and bare framing has none.
Step TcpServer::on_failure(Transaction& transaction, const Failure& failure, Message&) {
  if (auto* connection = connection_of(transaction.cookie()))
    connection->unanswered(static_cast<std::uint32_t>(transaction.cookie()));
  return Step::fail(failure);
}

void TcpServer::send_reply(Transaction& transaction, Message& message) {
  auto* connection = connection_of(transaction.cookie());
  if (connection == nullptr) return;
  transaction.count_bytes(0, message.payload.size() + overhead(options_.framing));
  connection->respond(static_cast<std::uint32_t>(transaction.cookie()), message.payload);
}

void TcpServer::drain() {
  if (listener_) listener_->close();
  const auto connections = connections_;
  for (const auto& [id, connection] : connections) connection->drain();
}

void TcpServer::stop() {
  listener_.reset();
  for (const auto& [id, connection] : connections_) connection->stop();
  connections_.clear();
}

}  // namespace fluxrig::gear::net
