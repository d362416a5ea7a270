// The bytes of HTTP/1.1 responses. Pure functions. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "gear/gear.hpp"

namespace fluxrig::gear::net {

struct HttpResponseHead {
  int status = 200;
  std::string_view content_type;  // left out when empty or not printable
  std::string_view flux_id;
  std::string_view date;   // RFC 9110 date; left out when empty
  std::string_view allow;  // 405
  int retry_after_s = 0;   // 0: none
  bool keep_alive = true;
  bool http_10 = false;
  bool without_body = false;  // HEAD: the length is that of the body which is not sent
};

void append_response(std::string& out, const HttpResponseHead& head, std::string_view body);

// "Bad Request"; "Unknown" for numbers without a name.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

[[nodiscard]] int status_of(FailureCode code) noexcept;

// RFC 9457, application/problem+json.
[[nodiscard]] std::string problem_json(int status, std::string_view detail, std::string_view flux_id);

// A value that can stand in a header line: printable ASCII and not too long.
[[nodiscard]] bool is_header_value(std::string_view text) noexcept;

}  // namespace fluxrig::gear::net
