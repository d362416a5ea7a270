// One HTTP/1.x request at a time, read out of the bytes of a connection by Beast's parser. Only what the
// gears use is kept. Boost stays in the .cpp. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gear/gear.hpp"
#include "trace/carrier.hpp"

namespace fluxrig::gear::net {

struct HttpLimits {
  std::size_t max_header = 16U << 10;  // request line and header fields
  std::size_t max_body = 1U << 20;
  bool keeps_accept = false;  // HttpRequest::accept, which no gear looks at
};

struct HttpRequest {
  std::string method;
  std::string path;  // of the target, without the query; as sent (percent-encoded)
  std::string content_type;
  std::string accept;  // see HttpLimits; several fields are joined
  trace::Carrier trace;
  std::string body;
  int version = 11;  // 10 or 11
  std::uint32_t hosts = 0;
  std::uint64_t bytes = 0;  // on the wire
  bool expects_continue = false;
  bool expects_more = false;  // an expectation that is not ours
  bool transfer_encoding = false;
};

// Why a request cannot be served, in HTTP's words.
struct HttpRefusal {
  int status = 0;  // 0: none
  Failure failure;
};

class HttpRequestReader {
 public:
  enum class State : std::uint8_t {
    kNothing,  // not one byte of the next request yet
    kHeader,   // in the middle of the header
    kHeaderDone,
    kBody,
    kDone,
    kBad,  // `refusal` says why; the connection cannot go on
  };

  explicit HttpRequestReader(HttpLimits limits);
  ~HttpRequestReader();

  // Takes bytes up to the next change of state; how many.
  [[nodiscard]] std::size_t read(std::string_view bytes);
  void next();  // begins the next request

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] HttpRequest& request() noexcept { return request_; }
  [[nodiscard]] const HttpRefusal& refusal() const noexcept { return refusal_; }
  [[nodiscard]] bool keep_alive() const noexcept;  // from kHeaderDone on

 private:
  class Parser;
  void header_done();
  void refuse(int status, FailureCode code, const char* reason) noexcept;

  HttpLimits limits_;
  HttpRequest request_;
  HttpRefusal refusal_;
  State state_ = State::kNothing;
  std::unique_ptr<Parser> parser_;
};

}  // namespace fluxrig::gear::net
