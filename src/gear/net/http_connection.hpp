// One caller of http_server: reads its requests, starts a transaction for each, and writes the responses in
// the order of the requests, whatever the order in which they become ready. One thread.
//
// Owned by its HttpServer, by shared_ptr because a call from the link may end the connection while it runs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gear/net/http_request.hpp"
#include "gear/net/in_flight.hpp"
#include "gear/net/link.hpp"
#include "gear/services.hpp"

namespace fluxrig::gear::net {

class HttpServer;

struct HttpExchange {
  std::uint32_t number = 0;
  Ticket ticket;
  bool begun = false;
  HttpRefusal refusal;  // the gear's own; status 0: none
  std::string allow;    // 405
  int route = -1;       // index in the options; -1: none
  const char* version = "1.1";
  bool keep_alive = true;
  bool http_10 = false;
  bool head = false;
  bool ready = false;
  std::string response;  // only while an earlier response is outstanding
};

class HttpConnection final : public LinkUser, public std::enable_shared_from_this<HttpConnection> {
 public:
  static constexpr std::size_t kMaxPipelined = 32;

  HttpConnection(HttpServer& server, std::uint32_t id, std::string peer_address);

  void start(const Accepted& accepted);
  void drain();  // closes when idle; otherwise with the last response
  void stop();

  [[nodiscard]] HttpExchange* find(std::uint32_t number) noexcept { return exchanges_.find(number); }
  [[nodiscard]] const std::string& peer_address() const noexcept { return peer_address_; }
  void respond(HttpExchange& exchange, const Message& reply, std::string_view flux_id);

  void on_open(Link&) override { set_phase(); }
  std::size_t on_bytes(Link& link, std::string_view bytes) override;
  void on_deadline(Link& link) override;
  void on_written(Link& link) override;
  void on_closed(Link& link, const Closed& closed) override;

 private:
  enum class Phase : std::uint8_t { kIdle, kHeader, kBody, kAnswering };

  std::size_t read(std::string_view bytes);
  void header_done();
  void dispatch(HttpRefusal refusal);
  void begin(HttpExchange& exchange);
  void refuse(HttpExchange& exchange, const Error& error);
  void finished(HttpExchange& exchange);
  void set_phase();

  HttpServer& server_;
  std::uint32_t id_;
  std::string peer_address_;
  std::shared_ptr<Link> link_;
  HttpRequestReader reader_;
  InFlight<HttpExchange> exchanges_;
  HttpRefusal route_refusal_;  // of the request that is being read
  int route_ = -1;
  Phase phase_ = Phase::kAnswering;
  bool last_ = false;  // no further request is read
  bool paused_ = false;
};

}  // namespace fluxrig::gear::net
