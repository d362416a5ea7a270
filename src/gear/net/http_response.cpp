#include "gear/net/http_response.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <iterator>

#include "base/diagnostics.hpp"

namespace fluxrig::gear::net {
namespace {

constexpr std::size_t kMaxHeaderValue = 1024;

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

bool has_no_body(int status) noexcept { return status < 200 || status == 204 || status == 304; }

}  // namespace

std::string_view reason_phrase(int status) noexcept {
  const auto text =
      boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(static_cast<unsigned>(status)));
  return text == "<unknown-status>" ? std::string_view("Unknown")
                                    : std::string_view(text.data(), text.size());
}

int status_of(FailureCode code) noexcept {
  switch (code) {
    case FailureCode::kMalformed:
      return 400;
    case FailureCode::kRejected:
      return 422;
    case FailureCode::kNotFound:
      return 404;
    case FailureCode::kOversize:
      return 413;
    case FailureCode::kUnavailable:
    case FailureCode::kRefused:
      return 503;
    case FailureCode::kTimeout:
      return 504;
    case FailureCode::kInternal:
      break;
  }
  return 500;
}

std::string problem_json(int status, std::string_view detail, std::string_view flux_id) {
  // A refusal has no transaction, and so no flux_id.
  const std::string id = flux_id.empty() ? "" : fmt::format(R"(,"flux_id":"{}")", flux_id);
  return fmt::format(R"({{"type":"about:blank","title":"{}","status":{},"detail":"{}"{}}})",
                     reason_phrase(status), status, escape_json(detail), id);
}

bool is_header_value(std::string_view text) noexcept {
  return text.size() <= kMaxHeaderValue &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

void append_response(std::string& out, const HttpResponseHead& head, std::string_view body) {
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", head.status, reason_phrase(head.status));
  if (!head.date.empty()) append_field(out, "date", head.date);
  if (!head.content_type.empty() && is_header_value(head.content_type))
    append_field(out, "content-type", head.content_type);
  if (!has_no_body(head.status))
    fmt::format_to(std::back_inserter(out), "content-length: {}\r\n", body.size());
  if (!head.flux_id.empty()) append_field(out, "flux-id", head.flux_id);
  if (!head.allow.empty()) append_field(out, "allow", head.allow);
  if (head.retry_after_s > 0)
    fmt::format_to(std::back_inserter(out), "retry-after: {}\r\n", head.retry_after_s);
  if (!head.keep_alive) {
    append_field(out, "connection", "close");
  } else if (head.http_10) {
    append_field(out, "connection", "keep-alive");
  }
  out.append("\r\n");
  if (!head.without_body && !has_no_body(head.status)) out.append(body);
}

}  // namespace fluxrig::gear::net
