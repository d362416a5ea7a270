// What `type: tcp_server` and `type: tcp_client` take.
#include "gear/catalogue.hpp"
#include "gear/net/option_tables.hpp"
#include "gear/net/tcp_client.hpp"
#include "gear/net/tcp_server.hpp"

namespace fluxrig::gear {
namespace {

constexpr std::int64_t kDay = 86'400'000;
constexpr std::int64_t kMaxFrame = 64 << 20;

std::unique_ptr<Gear> make_server(const Settings& settings) {
  net::TcpServerOptions options;
  options.listen = settings.endpoint("listen");
  options.framing = *net::framing_of(settings.text("framing"));
  options.max_frame = settings.size("max_frame");
  options.idle_timeout = settings.duration("idle_timeout");
  options.max_connections = static_cast<std::uint32_t>(settings.integer("max_connections"));
  options.max_in_flight = static_cast<std::uint32_t>(settings.integer("max_in_flight"));
  options.close_on_failure = settings.text("on_failure") == "close";
  options.tls = net::server_tls(settings);
  return std::make_unique<net::TcpServer>(std::move(options));
}

std::unique_ptr<Gear> make_client(const Settings& settings) {
  net::TcpClientOptions options;
  options.connect = settings.endpoint("connect");
  options.framing = *net::framing_of(settings.text("framing"));
  options.connections = static_cast<std::uint32_t>(settings.integer("connections"));
  options.max_frame = settings.size("max_frame");
  options.max_in_flight = static_cast<std::uint32_t>(settings.integer("max_in_flight"));
  options.connect_timeout = settings.duration("connect_timeout");
  options.reply_timeout = settings.duration("reply_timeout");
  options.idle_timeout = settings.duration("idle_timeout");
  options.reconnect_min = settings.duration("reconnect_min");
  options.reconnect_max = settings.duration("reconnect_max");
  options.tls = net::client_tls(settings);
  return std::make_unique<net::TcpClient>(std::move(options));
}

void check_client(const Settings& settings, std::vector<yaml::Complaint>& complaints) {
  net::check_client_tls(settings, complaints);
  if (settings.duration("reconnect_min") > settings.duration("reconnect_max"))
    complaints.push_back({.mark = settings.mark("reconnect_min"),
                          .message = "'reconnect_min' is longer than 'reconnect_max'",
                          .hint = "make it the shorter one"});
}

}  // namespace

GearType tcp_server_type() {
  using enum OptionType;
  return {
      .name = "tcp_server",
      .summary = "listens for framed messages over TCP or TLS; every frame is a transaction",
      .role = Role::kIngress,
      .options =
          {{.name = "listen", .type = kListen, .summary = "address and port", .required = true},
           net::framing_option(),
           {.name = "max_frame",
            .type = kSize,
            .summary = "longest message; a longer one is refused and the connection closed",
            .fallback = "64KiB",
            .minimum = 1,
            .maximum = kMaxFrame},
           {.name = "idle_timeout",
            .type = kDuration,
            .summary = "a silent connection is closed after this",
            .fallback = "5m",
            .minimum = 1,
            .maximum = kDay},
           {.name = "max_connections",
            .type = kInteger,
            .summary = "further ones are closed at once",
            .fallback = "1024",
            .minimum = 1,
            .maximum = 100'000},
           {.name = "max_in_flight",
            .type = kInteger,
            .summary = "requests in flight on one connection; it is not read while at the limit",
            .fallback = "1024",
            .minimum = 1,
            .maximum = 65'536},
           {.name = "on_failure",
            .type = kChoice,
            .summary =
                "when no gear has words of the protocol for a failure: close the connection, or stay silent",
            .fallback = "close",
            .choices = {"close", "silent"}},
           net::server_tls_option()},
      .make = make_server};
}

GearType tcp_client_type() {
  using enum OptionType;
  return {.name = "tcp_client",
          .summary = "sends framed messages to one address over lasting connections, and matches the replies",
          .role = Role::kEgress,
          .options = {{.name = "connect",
                       .type = kAddress,
                       .summary = "host and port of the peer",
                       .required = true},
                      net::framing_option(),
                      {.name = "connections",
                       .type = kInteger,
                       .summary = "kept open side by side",
                       .fallback = "1",
                       .minimum = 1,
                       .maximum = 64},
                      {.name = "max_frame",
                       .type = kSize,
                       .summary = "longest message, both ways",
                       .fallback = "64KiB",
                       .minimum = 1,
                       .maximum = kMaxFrame},
                      {.name = "max_in_flight",
                       .type = kInteger,
                       .summary = "requests that wait on one connection; more are refused",
                       .fallback = "1024",
                       .minimum = 1,
                       .maximum = 65'536},
                      {.name = "connect_timeout",
                       .type = kDuration,
                       .summary = "for one attempt, name look-up included",
                       .fallback = "5s",
                       .minimum = 1,
                       .maximum = kDay},
                      {.name = "reply_timeout",
                       .type = kDuration,
                       .summary = "then the request fails as timed out",
                       .fallback = "30s",
                       .minimum = 1,
                       .maximum = kDay},
                      {.name = "idle_timeout",
                       .type = kDuration,
                       .summary = "a silent connection is made anew after this; 0s: never",
                       .fallback = "0s",
                       .minimum = 0,
                       .maximum = kDay},
                      {.name = "reconnect_min",
                       .type = kDuration,
                       .summary = "first wait after a loss; doubles with each failure",
                       .fallback = "100ms",
                       .minimum = 1,
                       .maximum = kDay},
                      {.name = "reconnect_max",
                       .type = kDuration,
                       .summary = "longest wait; half of each wait is random",
                       .fallback = "10s",
                       .minimum = 1,
                       .maximum = kDay},
                      net::client_tls_option()},
          .check = check_client,
          .make = make_client};
}

}  // namespace fluxrig::gear
