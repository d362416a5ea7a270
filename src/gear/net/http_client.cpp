#include "gear/net/http_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "gear/net/http_method_names.hpp"
#include "gear/net/http_response.hpp"
#include "gear/net/http_upstream.hpp"
#include "gear/transaction.hpp"

namespace fluxrig::gear::net {
namespace {

// RFC 9110, 9.2.2.
bool is_idempotent(std::string_view method) noexcept {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS";
}

bool is_method(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 16 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_path(std::string_view text) noexcept {
  return text.starts_with('/') && text.size() <= 8192 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

}  // namespace

std::optional<HttpUrl> parse_url(std::string_view text) {
  HttpUrl url;
  if (text.starts_with("https://")) {
    url.tls = true;
    url.port = 443;
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else {
    return std::nullopt;
  }
  const auto slash = text.find('/');
  auto authority = text.substr(0, slash);
  if (slash != std::string_view::npos) url.base = text.substr(slash);
  while (url.base.ends_with('/')) url.base.pop_back();
  if (!url.base.empty() && (!is_path(url.base) || url.base.find('?') != std::string::npos))
    return std::nullopt;
  const auto bracket = authority.starts_with('[') ? authority.find(']') : std::string_view::npos;
  const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    const auto digits = authority.substr(colon + 1);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
    if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size() || url.port == 0)
      return std::nullopt;
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[')) {
    if (!authority.ends_with(']')) return std::nullopt;
    authority = authority.substr(1, authority.size() - 2);
  }
  url.host = authority;
  const bool plain = std::all_of(url.host.begin(), url.host.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == ':' || c == '_';
  });
  return plain && !url.host.empty() ? std::optional(url) : std::nullopt;
}

struct HttpClient::Names {
  explicit Names(tap::Names& names)
      : peer_address(names.field("network.peer.address", sanitize::Action::kKeep)),
        peer_port(names.field("network.peer.port", sanitize::Action::kKeep)),
        server_address(names.field("server.address", sanitize::Action::kKeep)),
        server_port(names.field("server.port", sanitize::Action::kKeep)),
        method(names.field("http.request.method", sanitize::Action::kKeep)),
        scheme(names.field("url.scheme", sanitize::Action::kKeep)),
        status(names.field("http.response.status_code", sanitize::Action::kKeep)),
        spans(names) {}

  tap::FieldId peer_address;  // of the transaction: which upstream it went to
  tap::FieldId peer_port;
  tap::FieldId server_address;  // of the span, and what follows
  tap::FieldId server_port;
  tap::FieldId method;
  tap::FieldId scheme;
  tap::FieldId status;
  HttpMethodNames spans;
};

HttpClient::HttpClient(HttpClientOptions options) : options_(std::move(options)) {}
HttpClient::~HttpClient() = default;

Outcome<void> HttpClient::start(Services& services) {
  services_ = &services;
  const auto& url = options_.url;
  names_ = std::make_unique<Names>(services.names());
  const bool is_ip6 = url.host.find(':') != std::string::npos;
  host_header_ = is_ip6 ? fmt::format("[{}]", url.host) : url.host;
  if (url.port != (url.tls ? 443 : 80)) host_header_ += fmt::format(":{}", url.port);
  if (url.tls) {
    auto context = TlsContext::client(options_.tls);
    if (!context)
      return problem(fmt::format("gear '{}': {}", services.name_of(*this), context.error().message));
    tls_ = *std::move(context);
  }
  alarm_ = std::make_unique<Alarm>(services.io(), [this] { expire(); });
  for (std::uint32_t i = 0; i < options_.pool; ++i) pool_.push_back(std::make_unique<HttpUpstream>(*this));
  return {};
}

std::string HttpClient::render(const Transaction& transaction, const Message& message,
                               std::string_view method, std::string_view path) const {
  std::string out;
  out.reserve(message.payload.size() + 512);
  const auto context = transaction.outgoing_context();
  fmt::format_to(std::back_inserter(out),
                 "{} {}{} HTTP/1.1\r\nhost: {}\r\ntraceparent: {}\r\nflux-id: {}\r\n", method,
                 options_.url.base, path, host_header_,
                 trace::format_traceparent(context.trace_id, context.span_id, context.flags),
                 to_string(transaction.flux_id()));
  if (!context.tracestate.empty()) out.append("tracestate: ").append(context.tracestate).append("\r\n");
  if (!transaction.baggage().empty()) out.append("baggage: ").append(transaction.baggage()).append("\r\n");
  const auto type = message.meta.get("content-type");
  if (!type.empty() && is_header_value(type)) out.append("content-type: ").append(type).append("\r\n");
  if (!message.payload.empty() || (method != "GET" && method != "HEAD"))
    fmt::format_to(std::back_inserter(out), "content-length: {}\r\n", message.payload.size());
  out.append("\r\n").append(message.payload);
  return out;
}

Step HttpClient::on_request(Transaction& transaction, Message& message) {
  std::string_view method = options_.method;
  if (method.empty()) method = message.meta.get("http.request.method");
  if (method.empty()) method = "POST";
  std::string_view path = options_.path;
  if (path.empty()) path = message.meta.get("url.path");
  if (path.empty()) path = "/";
  if (!is_method(method)) return Step::fail(FailureCode::kRejected, "the method cannot be sent upstream");
  if (!is_path(path)) return Step::fail(FailureCode::kRejected, "the path cannot be sent upstream");
  describe(transaction, method);

  // A connected one first; then one that must connect.
  HttpUpstream* chosen = nullptr;
  for (const auto& upstream : pool_) {
    if (upstream->busy()) continue;
    if (chosen == nullptr || upstream->connected()) chosen = upstream.get();
    if (upstream->connected()) break;
  }
  if (chosen == nullptr && queue_.size() >= options_.max_queue)
    return Step::fail(FailureCode::kUnavailable, "too many requests wait for the upstream");
  HttpCall call;
  call.ticket = transaction.ticket();
  call.bytes = render(transaction, message, method, path);
  call.expires = std::chrono::steady_clock::now() + options_.request_timeout;
  call.head = method == "HEAD";
  call.may_retry = options_.retry == HttpRetry::kAll ||
                   (options_.retry == HttpRetry::kIdempotent && is_idempotent(method));
  transaction.count_bytes(0, call.bytes.size());
  if (chosen != nullptr) {
    chosen->send(std::move(call));
  } else {
    if (queue_.empty()) alarm_->set_at(call.expires);
    queue_.push_back(std::move(call));
  }
  return Step::wait();
}

void HttpClient::describe(Transaction& transaction, std::string_view method) const {
  const auto& url = options_.url;
  transaction.attribute(names_->peer_address, std::string_view(url.host));
  transaction.attribute(names_->peer_port, std::int64_t{url.port});
  transaction.span_name(names_->spans.span(method));
  transaction.span_attribute(names_->method, HttpMethodNames::known(method));
  transaction.span_attribute(names_->server_address, std::string_view(url.host));
  transaction.span_attribute(names_->server_port, std::int64_t{url.port});
  transaction.span_attribute(names_->scheme, url.tls ? std::string_view("https") : std::string_view("http"));
}

void HttpClient::describe_answer(Transaction& transaction, int status) const {
  transaction.span_attribute(names_->status, std::int64_t{status});
  if (status >= 500) transaction.span_error("the upstream answered with an HTTP 5xx");
}

void HttpClient::free(HttpUpstream& upstream) {
  if (queue_.empty() || upstream.busy()) return;
  auto call = std::move(queue_.front());
  queue_.pop_front();
  upstream.send(std::move(call));
}

void HttpClient::expire() {
  const auto now = std::chrono::steady_clock::now();
  while (!queue_.empty() && queue_.front().expires <= now) {
    const auto ticket = queue_.front().ticket;
    queue_.pop_front();
    services_->resume(ticket,
                      Step::fail(FailureCode::kUnavailable, "no connection to the upstream became free"), {});
  }
  if (!queue_.empty()) alarm_->set_at(queue_.front().expires);
}

void HttpClient::stop() {
  alarm_.reset();
  queue_.clear();
  for (const auto& upstream : pool_) upstream->stop();
}

}  // namespace fluxrig::gear::net
