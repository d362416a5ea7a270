// The server's side of one HTTP/2 connection, for tests: answers each call as it is told. Bytes in, bytes
// out. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct nghttp2_session;

namespace fluxrig::otlp {

class TestGrpcPeer {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  struct Reply {
    Fields head{{":status", "200"}, {"content-type", "application/grpc"}};
    std::string body{"\0\0\0\0\0", 5};      // with `trailers` empty and a body of "" the head ends the stream
    Fields trailers{{"grpc-status", "0"}};  // empty: the body ends it
    std::optional<std::uint32_t> reset = {};  // RST_STREAM with this error, and nothing else
    unsigned interim = 0;                     // answers of status 103 before
    bool early = false;                       // not when all of the request is there, but when its head is
    bool silent = false;
  };
  static Reply trailers_only(Fields more);

  struct Call {
    std::map<std::string, std::string> fields;
    std::string body;
    std::int32_t stream = 0;
    bool is_whole = false;
    std::uint32_t closed_with = 0;
  };

  explicit TestGrpcPeer(std::deque<Reply> script, std::uint32_t window = 65'535);
  ~TestGrpcPeer();
  TestGrpcPeer(const TestGrpcPeer&) = delete;
  TestGrpcPeer& operator=(const TestGrpcPeer&) = delete;

  [[nodiscard]] bool take(std::string_view bytes);  // false: what came is no HTTP/2
  [[nodiscard]] std::string output();
  void ping();
  // GOAWAY; streams above `last` have not been looked at.
  void leave(std::int32_t last);
  [[nodiscard]] const std::vector<Call>& calls() const { return calls_; }
  [[nodiscard]] unsigned pongs() const { return pongs_; }

 private:
  struct Callbacks;
  struct Open {
    std::size_t call = 0;
    Reply reply;
    std::size_t sent = 0;
  };

  void answer(std::int32_t stream);

  std::deque<Reply> script_;
  std::vector<Call> calls_;
  std::map<std::int32_t, Open> open_;
  unsigned pongs_ = 0;
  std::unique_ptr<nghttp2_session, void (*)(nghttp2_session*)> session_;
};

}  // namespace fluxrig::otlp
