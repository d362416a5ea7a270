// The mixer's HTTP API, called and waited for. One thread; every failure is a sentence with the URL, the
// cause and the next step, safe to print.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace CLI {
class App;
}

namespace fluxrig::client {

struct MixerOptions {
  std::string url;         // --mixer, FLUXRIG_MIXER_API
  std::string token_file;  // --token-file, FLUXRIG_TOKEN_FILE; FLUXRIG_TOKEN holds the token itself
  std::string authority;   // --ca, FLUXRIG_CA: PEM file for https; empty: the system's
};
// Adds --mixer, --token-file and --ca to a command.
void add_mixer_options(CLI::App& command, MixerOptions& options);

struct ApiAddress {
  bool tls = false;
  std::string host;
  std::string port;
  std::string authority;  // for the Host header
};
[[nodiscard]] Outcome<ApiAddress> parse_api_url(std::string_view url);

struct ApiRequest {
  std::string path = {};  // with the query
  std::string json = {};  // a body: then it is a POST
  std::string accept = "application/json";
  bool remove = false;  // DELETE
};

struct ApiReply {
  unsigned status = 0;
  std::string body;
};

class ApiClient {
 public:
  static constexpr std::size_t kMaxReplyBytes = 256U << 20;
  static constexpr int kTimeoutSeconds = 30;  // of each step: connect, write, next bytes

  // Reads the token.
  [[nodiscard]] static Outcome<ApiClient> make(const MixerOptions& options);

  // Any reply of the mixer that is no 401; the caller looks at the status.
  [[nodiscard]] Outcome<ApiReply> call(const ApiRequest& request) const;
  // A reply of 200 in lines without end: `line` is called with each; false ends it. Returns when the mixer
  // closes. Other replies are problems.
  using OnLine = std::function<bool(std::string_view line)>;
  [[nodiscard]] Outcome<void> lines(const ApiRequest& request, const OnLine& line) const;

  [[nodiscard]] const std::string& url() const noexcept { return url_; }

 private:
  ApiClient() = default;
  using OnBytes = std::function<bool(unsigned status, std::string_view bytes)>;
  [[nodiscard]] Outcome<unsigned> exchange(const ApiRequest& request, const OnBytes& bytes) const;
  [[nodiscard]] Problem unauthorized() const;

  std::string url_;
  ApiAddress address_;
  std::string token_;
  std::string token_source_;  // "the token file X", for complaints
  std::string ca_file_;
};

// The sentence of a reply that is an error: its status, and title and detail of its problem+json.
[[nodiscard]] std::string describe_failure(const std::string& url, const ApiReply& reply);

// The ids that a 409 offers instead, printable.
[[nodiscard]] std::vector<std::string> candidates_of(const ApiReply& reply);

// For a query string.
[[nodiscard]] std::string percent_encoded(std::string_view text);

}  // namespace fluxrig::client
