// The gear `http_server`: an HTTP/1.1 listener; every request on it is a transaction
// (docs/gears/http_server.md). Requests that match no route or break the protocol are transactions too,
// failed by the gear itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gear/gear.hpp"
#include "gear/net/http_request.hpp"
#include "gear/net/tls.hpp"
#include "gear/services.hpp"
#include "gear/settings.hpp"

namespace fluxrig::gear::net {

class HttpConnection;
class Listener;
struct Accepted;
struct HttpExchange;

struct HttpRoute {
  std::string path;    // "/authorize", or "/v1/*": everything below
  std::string method;  // empty: any
  std::string name;    // of the span; empty: method and path
};

struct HttpServerOptions {
  Endpoint listen;
  std::vector<HttpRoute> routes;
  HttpLimits limits;
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds body_timeout{30'000};
  std::chrono::milliseconds idle_timeout{60'000};
  std::uint32_t max_connections = 1024;
  bool keep_alive = true;
  std::chrono::milliseconds retry_after{1'000};
  std::optional<TlsFiles> tls;
};

class HttpServer final : public Gear {
 public:
  explicit HttpServer(HttpServerOptions options);
  ~HttpServer() override;

  Outcome<void> start(Services& services) override;
  Step on_request(Transaction& transaction, Message& message) override;
  Step on_reply(Transaction& transaction, Message& message) override;
  Step on_failure(Transaction& transaction, const Failure& failure, Message& reply) override;
  void send_reply(Transaction& transaction, Message& message) override;
  void drain() override;
  void stop() override;

  // The port that is listened on; 0 before start and after drain.
  [[nodiscard]] std::uint16_t bound_port() const noexcept;
  [[nodiscard]] std::size_t connections() const noexcept { return connections_.size(); }

 private:
  friend class HttpConnection;
  struct Names;
  struct Match {
    const HttpRoute* route = nullptr;
    std::size_t index = 0;
    bool path_known = false;
  };

  void on_accept(const Accepted& accepted);
  void forget(std::uint32_t id);  // the connection is over
  [[nodiscard]] Match match(std::string_view method, std::string_view path) const noexcept;
  [[nodiscard]] std::string allowed(std::string_view path) const;
  // Null when the caller has gone.
  [[nodiscard]] HttpExchange* exchange_of(const Transaction& transaction) noexcept;
  [[nodiscard]] HttpConnection* connection_of(std::uint64_t cookie) noexcept;
  [[nodiscard]] std::string_view date();

  HttpServerOptions options_;
  Services* services_ = nullptr;
  std::shared_ptr<TlsContext> tls_;
  std::unique_ptr<Names> names_;
  std::unique_ptr<Listener> listener_;
  std::unordered_map<std::uint32_t, std::shared_ptr<HttpConnection>> connections_;
  std::uint32_t last_id_ = 0;
  std::uint16_t port_ = 0;
  bool draining_ = false;
  std::int64_t date_second_ = 0;
  std::string date_;
};

}  // namespace fluxrig::gear::net
