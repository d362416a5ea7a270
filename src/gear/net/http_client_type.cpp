// What `type: http_client` takes.
#include "gear/catalogue.hpp"
#include "gear/net/http_client.hpp"
#include "gear/net/option_tables.hpp"

namespace fluxrig::gear {
namespace {

constexpr std::int64_t kDay = 86'400'000;

std::unique_ptr<Gear> make(const Settings& settings) {
  net::HttpClientOptions options;
  options.url = *net::parse_url(settings.text("url"));
  options.method = settings.text("method");
  options.path = settings.text("path");
  options.pool = static_cast<std::uint32_t>(settings.integer("pool"));
  options.max_queue = static_cast<std::uint32_t>(settings.integer("max_queue"));
  options.max_body = settings.size("max_body");
  options.connect_timeout = settings.duration("connect_timeout");
  options.request_timeout = settings.duration("request_timeout");
  options.idle_timeout = settings.duration("idle_timeout");
  const auto retry = settings.text("retry");
  if (retry == "all") options.retry = net::HttpRetry::kAll;
  if (retry == "never") options.retry = net::HttpRetry::kNever;
  if (auto tls = net::client_tls(settings)) options.tls = *std::move(tls);
  return std::make_unique<net::HttpClient>(std::move(options));
}

void check(const Settings& settings, std::vector<yaml::Complaint>& complaints) {
  net::check_client_tls(settings, complaints);
  const auto url = net::parse_url(settings.text("url"));
  if (!url)
    complaints.push_back({.mark = settings.mark("url"),
                          .message = "the url is not usable",
                          .hint = "write 'http://host:port' or 'https://host/base'"});
  if (url && !url->tls && settings.map("tls") != nullptr)
    complaints.push_back({.mark = settings.mark("tls"),
                          .message = "'tls' is set and the url is plain http",
                          .hint = "write 'https://' in the url, or remove 'tls'"});
  const auto path = settings.text("path");
  if (!path.empty() && !path.starts_with('/'))
    complaints.push_back({.mark = settings.mark("path"),
                          .message = "the path begins with '/'",
                          .hint = "write '/" + path + "'"});
}

}  // namespace

GearType http_client_type() {
  using enum OptionType;
  return {.name = "http_client",
          .summary =
              "sends the payload to an HTTP/1.1 upstream over pooled connections and passes its answer back",
          .role = Role::kEgress,
          .options = {{.name = "url",
                       .type = kText,
                       .summary = "http://host:port/base or https://...",
                       .required = true},
                      {.name = "method",
                       .type = kChoice,
                       .summary = "default: that of the incoming request, else POST",
                       .choices = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}},
                      {.name = "path",
                       .type = kText,
                       .summary = "after the url's base; default: that of the incoming request"},
                      {.name = "pool",
                       .type = kInteger,
                       .summary = "most connections at a time, one request on each",
                       .fallback = "16",
                       .minimum = 1,
                       .maximum = 1024},
                      {.name = "max_queue",
                       .type = kInteger,
                       .summary = "requests that wait for a connection; more are refused",
                       .fallback = "256",
                       .minimum = 0,
                       .maximum = 65'536},
                      {.name = "max_body",
                       .type = kSize,
                       .summary = "largest response body",
                       .fallback = "1MiB",
                       .minimum = 1,
                       .maximum = 64 << 20},
                      {.name = "connect_timeout",
                       .type = kDuration,
                       .summary = "name look-up included",
                       .fallback = "5s",
                       .minimum = 1,
                       .maximum = kDay},
                      {.name = "request_timeout",
                       .type = kDuration,
                       .summary = "from the request to the whole response",
                       .fallback = "30s",
                       .minimum = 1,
                       .maximum = kDay},
                      {.name = "idle_timeout",
                       .type = kDuration,
                       .summary = "an unused connection is closed after this",
                       .fallback = "60s",
                       .minimum = 1,
                       .maximum = kDay},
                      {.name = "retry",
                       .type = kChoice,
                       .summary = "once, on a stale kept-alive connection: idempotent methods, all, never",
                       .fallback = "idempotent",
                       .choices = {"idempotent", "all", "never"}},
                      net::client_tls_option()},
          .check = check,
          .make = make};
}

}  // namespace fluxrig::gear
