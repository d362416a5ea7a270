// One HTTP/1.x response at a time, read out of the bytes of a connection by Beast's parser. Boost stays in
// the .cpp. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace fluxrig::gear::net {

struct HttpReply {
  int status = 0;
  std::string content_type;
  std::string body;
};

class HttpReplyReader {
 public:
  enum class State : std::uint8_t { kMore, kDone, kBad };
  enum class Body : std::uint8_t { kExpected, kNone };  // none: the request was HEAD

  explicit HttpReplyReader(std::size_t max_body);
  ~HttpReplyReader();

  void next(Body body);  // begins a response
  // Takes bytes of this response, interim ones (1xx) before it included; how many.
  [[nodiscard]] std::size_t read(std::string_view bytes);
  void end();  // the connection ended: the end of a body without length, or a response cut short (kBad)

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] bool begun() const noexcept { return begun_; }  // a byte has come
  [[nodiscard]] bool keep_alive() const noexcept;
  [[nodiscard]] HttpReply& reply() noexcept { return reply_; }

 private:
  class Parser;
  void make_parser();
  std::size_t max_body_;
  HttpReply reply_;
  Body body_ = Body::kExpected;
  State state_ = State::kMore;
  bool begun_ = false;
  std::unique_ptr<Parser> parser_;
};

}  // namespace fluxrig::gear::net
