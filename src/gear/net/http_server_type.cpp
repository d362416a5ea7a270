// What `type: http_server` takes.
#include "gear/catalogue.hpp"
#include "gear/net/http_server.hpp"
#include "gear/net/option_tables.hpp"

namespace fluxrig::gear {
namespace {

constexpr std::int64_t kDay = 86'400'000;

std::unique_ptr<Gear> make(const Settings& settings) {
  net::HttpServerOptions options;
  options.listen = settings.endpoint("listen");
  for (const auto& route : settings.maps("routes"))
    options.routes.push_back({route.text("path"), route.text("method"), route.text("name")});
  options.limits.max_body = settings.size("max_body");
  options.limits.max_header = settings.size("max_header");
  options.header_timeout = settings.duration("header_timeout");
  options.body_timeout = settings.duration("body_timeout");
  options.idle_timeout = settings.duration("idle_timeout");
  options.max_connections = static_cast<std::uint32_t>(settings.integer("max_connections"));
  options.keep_alive = settings.boolean("keep_alive");
  options.retry_after = settings.duration("retry_after");
  options.tls = net::server_tls(settings);
  return std::make_unique<net::HttpServer>(std::move(options));
}

void check(const Settings& settings, std::vector<yaml::Complaint>& complaints) {
  const auto& routes = settings.maps("routes");
  if (routes.empty())
    complaints.push_back({.mark = settings.mark("routes"),
                          .message = "the gear has no routes and would refuse every request",
                          .hint = "add '- {path: /authorize, method: POST}'"});
  for (const auto& route : routes) {
    if (!route.text("path").starts_with('/'))
      complaints.push_back({.mark = route.mark("path"),
                            .message = "the path of a route begins with '/'",
                            .hint = "write '/" + route.text("path") + "'"});
    for (const auto& other : routes) {
      if (&other == &route) break;
      if (other.text("path") == route.text("path") && other.text("method") == route.text("method"))
        complaints.push_back({.mark = route.mark("path"),
                              .message = "another route above has the same path and method",
                              .hint = "remove one of them"});
    }
  }
}

}  // namespace

GearType http_server_type() {
  using enum OptionType;
  return {.name = "http_server",
          .summary = "listens for HTTP/1.1 requests, plain or over TLS; every request is a transaction",
          .role = Role::kIngress,
          .options = {{.name = "listen", .type = kListen, .summary = "address and port", .required = true},
                      {.name = "routes",
                       .type = kMaps,
                       .summary = "what is served; the first that matches is taken",
                       .required = true,
                       .items = {{.name = "path",
                                  .type = kText,
                                  .summary = "exact, or ending with '/*' for everything below",
                                  .required = true},
                                 {.name = "method",
                                  .type = kChoice,
                                  .summary = "any when absent",
                                  .choices = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}},
                                 {.name = "name",
                                  .type = kText,
                                  .summary = "of the span; default: method and path"}}},
                      {.name = "max_body",
                       .type = kSize,
                       .summary = "largest request body",
                       .fallback = "1MiB",
                       .minimum = 0,
                       .maximum = 64 << 20},
                      {.name = "max_header",
                       .type = kSize,
                       .summary = "request line and header fields together",
                       .fallback = "16KiB",
                       .minimum = 256,
                       .maximum = 1 << 20},
                      {.name = "header_timeout",
                       .type = kDuration,
                       .summary = "from the first byte to the end of the header",
                       .fallback = "10s",
                       .minimum = 1,
                       .maximum = kDay},
                      {.name = "body_timeout",
                       .type = kDuration,
                       .summary = "from the end of the header to the end of the body",
                       .fallback = "30s",
                       .minimum = 1,
                       .maximum = kDay},
                      {.name = "idle_timeout",
                       .type = kDuration,
                       .summary = "between requests",
                       .fallback = "60s",
                       .minimum = 1,
                       .maximum = kDay},
                      {.name = "max_connections",
                       .type = kInteger,
                       .summary = "further ones are closed at once",
                       .fallback = "1024",
                       .minimum = 1,
                       .maximum = 100'000},
                      {.name = "keep_alive",
                       .type = kBoolean,
                       .summary = "several requests on one connection",
                       .fallback = "true"},
                      {.name = "retry_after",
                       .type = kDuration,
                       .summary = "what a 503 tells the caller to wait",
                       .fallback = "1s",
                       .minimum = 1000,
                       .maximum = kDay},
                      net::server_tls_option()},
          .check = check,
          .make = make};
}

}  // namespace fluxrig::gear
