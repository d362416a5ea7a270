// The socket of the API, or of the receiver: accepts, reads with limits and deadlines, answers. One thread
// for sockets and a few for queries, all its own. The destructor stops accepting, waits for queries that run
// (QueryLimits bound them), closes every connection and joins.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/diagnostics.hpp"
#include "base/result.hpp"
#include "mixer/api/http_handler.hpp"
#include "mixer/config.hpp"

namespace fluxrig::mixer {

struct HttpOptions {
  Endpoint listen;
  std::string_view key_path = "listen.api";  // of the configuration, for complaints; a literal
  std::string_view area = "mixer.api";       // of diagnostics; a literal
  std::string certificate;                   // PEM chain; empty: plain HTTP
  std::string key;
  std::size_t connections = 256;
  std::size_t workers = 2;
  std::size_t queued_queries = 64;
  std::uint32_t header_bytes = 16U << 10;
  std::uint64_t body_bytes = 1U << 20;
  std::int64_t idle_ms = 60'000;     // between requests of a kept connection
  std::int64_t request_ms = 10'000;  // TLS handshake, and from the first byte of a request to its last
  std::int64_t write_ms = 30'000;
  std::int64_t tail_keepalive_ms = 10'000;
};

class HttpServer {
 public:
  // `handler` and `diagnostics` outlive the server. The problem names the address and the next step.
  [[nodiscard]] static Outcome<std::unique_ptr<HttpServer>> start(HttpOptions options,
                                                                  const HttpHandler& handler,
                                                                  Diagnostics& diagnostics);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept;  // the real one when `listen.port` was 0

  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace fluxrig::mixer
