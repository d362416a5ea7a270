// The gear `http_client`: sends the payload to an HTTP/1.1 upstream and passes its answer back
// (docs/gears/http_client.md). A pool of connections, one request on each at a time; a bounded queue before
// it.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gear/gear.hpp"
#include "gear/net/alarm.hpp"
#include "gear/net/tls.hpp"
#include "gear/services.hpp"
#include "gear/settings.hpp"

namespace fluxrig::gear::net {

class HttpUpstream;

// What a stale connection (kept alive, closed by the upstream, not one byte received) is worth.
enum class HttpRetry : std::uint8_t {
  kIdempotent,  // sent again once if the method says that this does no harm
  kAll,         // sent again once, whatever the method: the upstream must recognise repetitions
  kNever,
};

struct HttpUrl {
  std::string host;
  std::uint16_t port = 80;
  std::string base;  // path before every path; "" or "/v1"
  bool tls = false;
};
// "http://host[:port][/base]", "https://..."; nullopt for anything else (user names, queries, fragments).
[[nodiscard]] std::optional<HttpUrl> parse_url(std::string_view text);

struct HttpClientOptions {
  HttpUrl url;
  std::string method;  // empty: that of the request's meta, else POST
  std::string path;    // empty: that of the request's meta, else "/"
  std::uint32_t pool = 16;
  std::uint32_t max_queue = 256;
  std::size_t max_body = 1U << 20;
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds request_timeout{30'000};
  std::chrono::milliseconds idle_timeout{60'000};
  HttpRetry retry = HttpRetry::kIdempotent;
  TlsFiles tls;  // used for https
};

struct HttpCall {
  Ticket ticket;
  std::string bytes;  // the whole request
  Alarm::Time expires;
  bool head = false;
  bool may_retry = false;
};

class HttpClient final : public Gear {
 public:
  explicit HttpClient(HttpClientOptions options);
  ~HttpClient() override;

  Outcome<void> start(Services& services) override;
  Step on_request(Transaction& transaction, Message& message) override;
  void stop() override;

 private:
  friend class HttpUpstream;
  // What the call's own span says of it, by the conventions for HTTP clients.
  void describe(Transaction& transaction, std::string_view method) const;
  void describe_answer(Transaction& transaction, int status) const;
  void free(HttpUpstream& upstream);  // takes the next from the queue
  void expire();
  [[nodiscard]] std::string render(const Transaction& transaction, const Message& message,
                                   std::string_view method, std::string_view path) const;

  HttpClientOptions options_;
  Services* services_ = nullptr;
  std::shared_ptr<TlsContext> tls_;
  std::vector<std::unique_ptr<HttpUpstream>> pool_;
  std::deque<HttpCall> queue_;  // in order of expiry
  std::unique_ptr<Alarm> alarm_;
  std::string host_header_;
  struct Names;
  std::unique_ptr<Names> names_;
};

}  // namespace fluxrig::gear::net
