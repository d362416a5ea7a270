#include "gear/net/http_server.hpp"

#include <fmt/format.h>

#include <ctime>

#include "gear/net/http_connection.hpp"
#include "gear/net/http_response.hpp"
#include "gear/net/http_server_names.hpp"
#include "gear/net/link.hpp"
#include "gear/net/listener.hpp"
#include "gear/transaction.hpp"

namespace fluxrig::gear::net {

HttpServer::HttpServer(HttpServerOptions options) : options_(std::move(options)) {}
HttpServer::~HttpServer() { stop(); }

Outcome<void> HttpServer::start(Services& services) {
  services_ = &services;
  names_ = std::make_unique<Names>(services.names(), options_.routes);
  const auto name = services.name_of(*this);
  if (options_.tls) {
    auto context = TlsContext::server(*options_.tls);
    if (!context) return problem(fmt::format("gear '{}': {}", name, context.error().message));
    tls_ = *std::move(context);
  }
  listener_ = std::make_unique<Listener>(
      services.io(), [this](const Accepted& accepted) { on_accept(accepted); },
      [this](const std::string& words) {
        services_->diagnostics().warn("gear.http_server", "cannot accept connections",
                                      {{"gear", std::string(services_->name_of(*this))}, {"cause", words}});
      });
  auto opened = listener_->open(options_.listen);
  if (!opened) return problem(fmt::format("gear '{}': {}", name, opened.error().message));
  port_ = listener_->port();
  services.diagnostics().info("gear.http_server", "listening",
                              {{"gear", std::string(name)}, {"port", std::to_string(port_)}});
  return {};
}

std::uint16_t HttpServer::bound_port() const noexcept { return listener_ ? listener_->port() : 0; }

void HttpServer::on_accept(const Accepted& accepted) {
  // Ids are found again by cookies of transactions that outlive their connection: none is used twice soon.
  do {
    ++last_id_;
  } while (connections_.contains(last_id_));
  auto connection = std::make_shared<HttpConnection>(*this, last_id_, accepted.peer_address);
  if (connections_.size() >= options_.max_connections) {
    services_->stray(*this, "over max_connections");
    // Not worth a transaction: the peer reads the end of the connection.
    Link::Setup setup;
    setup.io = &services_->io();
    Link::accept(setup, accepted)->close();
    return;
  }
  connections_.emplace(last_id_, connection);
  connection->start(accepted);
}

void HttpServer::forget(std::uint32_t id) { connections_.erase(id); }

HttpServer::Match HttpServer::match(std::string_view method, std::string_view path) const noexcept {
  Match match;
  for (std::size_t i = 0; i < options_.routes.size(); ++i) {
    const auto& route = options_.routes[i];
    const std::string_view pattern = route.path;
    const bool below = pattern.ends_with("/*");
    if (below ? !path.starts_with(pattern.substr(0, pattern.size() - 1)) : path != pattern) continue;
    match.path_known = true;
    if (!route.method.empty() && route.method != method) continue;
    match.route = &route;
    match.index = i;
    return match;
  }
  return match;
}

std::string HttpServer::allowed(std::string_view path) const {
  std::string list;
  for (const auto& route : options_.routes) {
    if (match(route.method, path).route != &route) continue;
    if (!list.empty()) list.append(", ");
    list.append(route.method);
  }
  return list;
}

HttpConnection* HttpServer::connection_of(std::uint64_t cookie) noexcept {
  const auto found = connections_.find(static_cast<std::uint32_t>(cookie >> 32));
  return found == connections_.end() ? nullptr : found->second.get();
}

HttpExchange* HttpServer::exchange_of(const Transaction& transaction) noexcept {
  auto* connection = connection_of(transaction.cookie());
  return connection == nullptr ? nullptr : connection->find(static_cast<std::uint32_t>(transaction.cookie()));
}

Step HttpServer::on_request(Transaction& transaction, Message& message) {
  const auto* exchange = exchange_of(transaction);
  if (exchange == nullptr) return Step::fail(FailureCode::kInternal, "the connection is gone");
  const auto method = message.meta.get("http.request.method");
  if (!method.empty()) transaction.attribute(names_->method, HttpMethodNames::known(method));
  if (exchange->route >= 0)
    transaction.attribute(names_->route, options_.routes[static_cast<std::size_t>(exchange->route)].path);
  transaction.attribute(names_->scheme, tls_ ? std::string_view("https") : std::string_view("http"));
  transaction.attribute(names_->version, std::string_view(exchange->version));
  transaction.attribute(names_->port, std::int64_t{port_});
  transaction.attribute(names_->client, message.meta.get("client.address"));
  if (exchange->refusal.status != 0) return Step::fail(exchange->refusal.failure);
  return Step::next();
}

Step HttpServer::on_reply(Transaction& transaction, Message& message) {
  const auto text = message.meta.get("http.response.status_code");
  std::int64_t status = 200;
  if (text.size() == 3) status = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
  transaction.attribute(names_->status, status);
  if (status >= 500) transaction.span_error("the answer is an HTTP 5xx");
  return Step::next();
}

Step HttpServer::on_failure(Transaction& transaction, const Failure& failure, Message& reply) {
  const auto* exchange = exchange_of(transaction);
  int status = status_of(failure.code);
  if (exchange != nullptr && exchange->refusal.status != 0) status = exchange->refusal.status;
  reply.payload = problem_json(status, failure.reason, to_string(transaction.flux_id()));
  reply.fields.clear();
  reply.meta.clear();
  reply.meta.append("http.response.status_code", std::to_string(status));
  reply.meta.append("content-type", "application/problem+json");
  transaction.attribute(names_->status, std::int64_t{status});
  return Step::reply();
}

void HttpServer::send_reply(Transaction& transaction, Message& message) {
  auto* connection = connection_of(transaction.cookie());
  auto* exchange = exchange_of(transaction);
  if (exchange == nullptr) return;
  transaction.count_bytes(0, message.payload.size());
  connection->respond(*exchange, message, to_string(transaction.flux_id()));
}

std::string_view HttpServer::date() {
  const auto second = services_->clock().now().value / kNanosPerSecond;
  if (second != date_second_) {
    date_second_ = second;
    const auto time = static_cast<std::time_t>(second);
    std::tm parts{};
    gmtime_r(&time, &parts);
    std::array<char, 40> text{};
    const auto size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    date_.assign(text.data(), size);
  }
  return date_;
}

void HttpServer::drain() {
  draining_ = true;
  if (listener_) listener_->close();
  // A copy: an idle connection may forget itself meanwhile.
  const auto connections = connections_;
  for (const auto& [id, connection] : connections) connection->drain();
}

void HttpServer::stop() {
  listener_.reset();
  for (const auto& [id, connection] : connections_) connection->stop();
  connections_.clear();
}

}  // namespace fluxrig::gear::net
