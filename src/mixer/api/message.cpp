#include "mixer/api/message.hpp"

#include <fmt/core.h>

#include "base/diagnostics.hpp"
#include "sanitize/sanitizer.hpp"

namespace fluxrig::mixer {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    // Line ends and tabs are fine in SQL; nothing else of the control range is.
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0x7f || (byte < 0x20 && c != '\n' && c != '\r' && c != '\t')) return std::nullopt;
    out += c;
  }
  return out;
}

bool parse_query(std::string_view text, ApiRequest& request) {
  while (!text.empty()) {
    const auto end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (pair.empty()) continue;
    if (request.query.size() == kMaxParameters) return false;
    const auto equals = pair.find('=');
    auto name = percent_decode(pair.substr(0, equals), true);
    auto value = equals == std::string_view::npos ? std::optional<std::string>("")
                                                  : percent_decode(pair.substr(equals + 1), true);
    if (!name || !value) return false;
    request.query.emplace_back(std::move(*name), std::move(*value));
  }
  return true;
}

}  // namespace

std::optional<std::string> ApiRequest::parameter(std::string_view name) const {
  for (auto it = query.rbegin(); it != query.rend(); ++it)
    if (it->first == name && !it->second.empty()) return it->second;
  return std::nullopt;
}

bool parse_target(std::string_view target, ApiRequest& request) {
  if (target.empty() || target.front() != '/' || target.size() > kMaxTargetBytes) return false;
  const auto mark = target.find('?');
  auto path = percent_decode(target.substr(0, mark), false);
  if (!path) return false;
  request.path = std::move(*path);
  request.query.clear();
  return mark == std::string_view::npos || parse_query(target.substr(mark + 1), request);
}

std::string_view status_text(unsigned status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

ApiResponse problem_response(unsigned status, std::string_view detail, const ReplyText& more) {
  ApiResponse response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body = ReplyText::format(R"({{"type":"about:blank","title":"{}","status":{},"detail":"{}"{}}})"
                                    "\n",
                                    said(status_text(status)), status, said(detail), more);
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"fluxrig\"");
  if (status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace fluxrig::mixer
