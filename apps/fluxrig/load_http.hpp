// HTTP/1.1 for the load generator: requests put together by hand, of replies only what is counted. One
// thread.
#pragma once

#include <optional>
#include <vector>

#include "fluxrig/load_protocol.hpp"
#include "fluxrig/load_template.hpp"

namespace fluxrig::client {

struct HttpTarget {
  std::string host;  // without brackets
  std::uint16_t port = 80;
  std::string authority;  // as in the URL, for the Host header
  std::string path;       // with the query
};
// Only http://; the sentence says what is wrong with others.
[[nodiscard]] Outcome<HttpTarget> parse_http_url(std::string_view url);

struct HttpLoadOptions {
  HttpTarget target;
  std::string method;
  std::vector<std::string> headers;  // "Name: value"
  std::optional<LoadTemplate> body;
  bool traceparent = false;  // a new, sampled trace for each request
};

// "Name: value" of token and visible characters; a sentence otherwise.
[[nodiscard]] Outcome<void> check_header(std::string_view header);

class HttpLoad final : public LoadProtocol {
 public:
  static constexpr std::size_t kMaxHeadBytes = 64U << 10;
  static constexpr std::size_t kMaxBodyBytes = 4U << 20;

  // `random` outlives this.
  HttpLoad(HttpLoadOptions options, Random& random);
  LoadRequest append_request(std::uint64_t n, std::string& out) override;
  [[nodiscard]] LoadReply parse(std::string_view bytes) override;
  [[nodiscard]] std::string_view name() const noexcept override { return "http"; }
  [[nodiscard]] bool has_keys() const noexcept override { return false; }

 private:
  HttpLoadOptions options_;
  Random& random_;
  std::string head_;  // request line and headers that never change
  std::string body_;  // scratch
};

}  // namespace fluxrig::client
