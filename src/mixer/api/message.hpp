// A request and a response of the HTTP API, without the library that carries them. Values; any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mixer/api/reply_text.hpp"

namespace fluxrig::mixer {

class TailSubscription;

struct ApiRequest {
  std::string method;                                      // "GET"
  std::string path;                                        // decoded, without the query
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in the order of the request
  std::string accept;
  std::string authorization;
  std::string content_type;
  std::string content_encoding;
  std::string body;

  // The last value given for `name`; nullopt when absent or empty.
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
};

struct ApiResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  ReplyText body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::shared_ptr<TailSubscription> tail;  // set: a stream of lines follows instead of the body
};

inline constexpr std::size_t kMaxParameters = 32;
inline constexpr std::size_t kMaxTargetBytes = 8U << 10;

// Splits and percent-decodes the target of a request line into `request.path` and `.query`. False: malformed
// (a bad escape, a control character, too many parameters or bytes).
[[nodiscard]] bool parse_target(std::string_view target, ApiRequest& request);

// RFC 9457. The detail may quote the request, so it passes the sanitiser. `type` is about:blank: the status
// says what kind it is.
// `more`: further members, each with a comma before it.
[[nodiscard]] ApiResponse problem_response(unsigned status, std::string_view detail,
                                           const ReplyText& more = {});
[[nodiscard]] std::string_view status_text(unsigned status) noexcept;

}  // namespace fluxrig::mixer
