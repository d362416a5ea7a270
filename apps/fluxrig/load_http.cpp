#include "fluxrig/load_http.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "fluxrig/terminal.hpp"

namespace fluxrig::client {
namespace {

constexpr std::string_view kEndOfHead = "\r\n\r\n";

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same_name(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

struct Head {
  unsigned status = 0;
  std::optional<std::size_t> length;
  bool chunked = false;
  bool last = false;
  std::string_view flux_id;
};

void take_header(std::string_view line, Head& head, bool& broken) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) {
    broken = true;
    return;
  }
  const auto name = line.substr(0, colon);
  const auto value = trimmed(line.substr(colon + 1));
  if (same_name(name, "content-length")) {
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
    broken = broken || error != std::errc{} || end != value.data() + value.size() ||
             length > HttpLoad::kMaxBodyBytes;
    head.length = length;
  } else if (same_name(name, "transfer-encoding")) {
    head.chunked = same_name(value, "chunked");
    broken = broken || !head.chunked;
  } else if (same_name(name, "connection")) {
    head.last = head.last || same_name(value, "close");
  } else if (same_name(name, "flux-id")) {
    head.flux_id = value;
  }
}

// `text` without the empty line at its end.
std::optional<Head> parse_head(std::string_view text) {
  // "HTTP/1.1 200 OK"
  if (text.size() < 12 || !text.starts_with("HTTP/1.") || text[8] != ' ') return std::nullopt;
  Head head;
  const auto [end, error] = std::from_chars(text.data() + 9, text.data() + 12, head.status);
  if (error != std::errc{} || end != text.data() + 12 || head.status < 100) return std::nullopt;
  head.last = text[7] == '0';
  bool broken = false;
  auto at = text.find("\r\n");
  while (at != std::string_view::npos && !broken) {
    const auto next = text.find("\r\n", at + 2);
    take_header(text.substr(at + 2, next == std::string_view::npos ? next : next - at - 2), head, broken);
    at = next;
  }
  if (broken) return std::nullopt;
  return head;
}

// Bytes of a chunked body at the front; 0: incomplete; nullopt: broken.
std::optional<std::size_t> chunked_size(std::string_view bytes) {
  std::size_t at = 0;
  for (;;) {
    const auto line_end = bytes.find("\r\n", at);
    if (line_end == std::string_view::npos) {
      if (bytes.size() - at > HttpLoad::kMaxHeadBytes) return std::nullopt;
      return 0;
    }
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(bytes.data() + at, bytes.data() + line_end, size, 16);
    if (error != std::errc{} || (end != bytes.data() + line_end && *end != ';') ||
        size > HttpLoad::kMaxBodyBytes || line_end > HttpLoad::kMaxBodyBytes)
      return std::nullopt;
    if (size == 0) {
      // Trailers, if any, then an empty line: the one that ends the size line counts when there are none.
      const auto finish = bytes.find(kEndOfHead, line_end);
      return finish == std::string_view::npos ? 0 : finish + kEndOfHead.size();
    }
    at = line_end + 2 + size + 2;
    if (at > bytes.size()) return 0;
  }
}

LoadReply broken_reply() { return {LoadReply::Kind::kBroken, 0, 0, 0, false, true, {}}; }

}  // namespace

Outcome<HttpTarget> parse_http_url(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme))
    return problem(fmt::format("'{}' is no URL that load can use: it begins with http://", printable(url)));
  if (std::any_of(url.begin(), url.end(), [](char c) { return c <= ' ' || c == 0x7f; }))
    return problem("a URL has no spaces and no control characters; write them as %20");
  url.remove_prefix(kScheme.size());
  const auto slash = std::min(url.find_first_of("/?#"), url.size());
  HttpTarget target;
  target.authority = url.substr(0, slash);
  target.path = url.substr(slash, url.find('#', slash) - slash);
  if (!target.path.starts_with('/')) target.path.insert(0, "/");
  std::string_view host = target.authority;
  const auto bracket = host.starts_with('[') ? host.find(']') : std::string_view::npos;
  const auto colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    const auto port = host.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), target.port);
    if (error != std::errc{} || end != port.data() + port.size() || target.port == 0)
      return problem(fmt::format("'{}' is no port", printable(port)));
    host = host.substr(0, colon);
  }
  if (bracket != std::string_view::npos && host.size() >= 2) host = host.substr(1, host.size() - 2);
  if (host.empty()) return problem("the URL names no host");
  target.host = host;
  return target;
}

Outcome<void> check_header(std::string_view header) {
  const auto colon = header.find(':');
  const auto visible = [](char c) { return c > ' ' && c < 0x7f; };
  if (colon == 0 || colon == std::string_view::npos ||
      !std::all_of(header.begin(), header.begin() + static_cast<std::ptrdiff_t>(colon), visible) ||
      std::any_of(header.begin(), header.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; }))
    return problem(fmt::format("'{}' is no header: write 'Name: value'", printable(header)));
  const auto name = header.substr(0, colon);
  for (const std::string_view own : {"content-length", "transfer-encoding", "host", "connection"})
    if (same_name(name, own)) return problem(fmt::format("load writes the header '{}' itself", own));
  return {};
}

HttpLoad::HttpLoad(HttpLoadOptions options, Random& random) : options_(std::move(options)), random_(random) {
  head_ = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", options_.method, options_.target.path,
                      options_.target.authority);
  bool typed = false;
  for (const auto& header : options_.headers) {
    head_ += header + "\r\n";
    typed = typed || same_name(std::string_view(header).substr(0, header.find(':')), "content-type");
  }
  if (options_.body && !typed) head_ += "Content-Type: application/json\r\n";
  if (!options_.body) return;
  if (options_.body->constant()) {
    options_.body->append(0, random_, body_);
    head_ += fmt::format("Content-Length: {}\r\n", body_.size());
  }
}

LoadRequest HttpLoad::append_request(std::uint64_t n, std::string& out) {
  LoadRequest request;
  out += head_;
  const auto to = std::back_inserter(out);
  if (options_.traceparent) {
    request.trace_id = make_trace_id(random_);
    out +=
        "traceparent: 00-" + to_string(request.trace_id) + "-" + to_string(make_span_id(random_)) + "-01\r\n";
  }
  if (options_.body && !options_.body->constant()) {
    body_.clear();
    options_.body->append(n, random_, body_);
    fmt::format_to(to, "Content-Length: {}\r\n", body_.size());
  }
  out += "\r\n";
  out += body_;
  return request;
}

LoadReply HttpLoad::parse(std::string_view bytes) {
  const auto end = bytes.find(kEndOfHead);
  if (end == std::string_view::npos) return bytes.size() > kMaxHeadBytes ? broken_reply() : LoadReply{};
  const auto head = parse_head(bytes.substr(0, end));
  if (!head) return broken_reply();
  const std::size_t head_size = end + kEndOfHead.size();
  LoadReply reply{
      LoadReply::Kind::kReply, head_size, 0, head->status, head->status < 400, head->last, head->flux_id};
  if (head->status < 200) {
    reply.kind = LoadReply::Kind::kIgnored;
    return reply;
  }
  if (options_.method == "HEAD" || head->status == 204 || head->status == 304) return reply;
  if (head->chunked) {
    const auto size = chunked_size(bytes.substr(head_size));
    if (!size) return broken_reply();
    if (*size == 0) return {};
    reply.used += *size;
    return reply;
  }
  // A body that only the end of the connection ends cannot be counted while it is kept alive.
  if (!head->length) return broken_reply();
  reply.used += *head->length;
  return reply.used <= bytes.size() ? reply : LoadReply{};
}

}  // namespace fluxrig::client
