// The client's side of one HTTP/2 connection that carries unary gRPC calls, one at a time: bytes in, bytes
// out, no socket, no clock. RFC 9113 with prior knowledge, and gRPC's "PROTOCOL-HTTP2". libnghttp2 stays in
// the .cpp. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "otlp/retry_policy.hpp"
#include "otlp/settings.hpp"

struct nghttp2_session;

namespace fluxrig::otlp {

// The head of every call.
struct GrpcHead {
  bool tls = false;
  std::string authority;  // "collector:4317"
  std::string path;       // "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
  std::string user_agent;
  std::uint32_t timeout_ms = 0;
  bool gzip = false;
  TextPairs metadata;
};

// What a peer may make of us is bounded: the answer by kMaxResponseBytes, the fields of its head and trailers
// by kMaxFieldBytes, everything it sends for a call or while there is none by the two below, and what it
// makes us answer (PING, SETTINGS) by libnghttp2.
class GrpcSession {
 public:
  static constexpr std::size_t kMaxFieldBytes = 16U << 10;
  static constexpr std::size_t kMaxCallBytes =
      kMaxResponseBytes + (256U << 10);  // frames and fields included
  static constexpr std::size_t kMaxIdleBytes = 64U << 10;
  static constexpr unsigned kMaxInterim = 8;  // answers of status 1xx before the one that counts

  explicit GrpcSession(GrpcHead head);
  ~GrpcSession();
  GrpcSession(const GrpcSession&) = delete;
  GrpcSession& operator=(const GrpcSession&) = delete;

  // Whether a call may begin: none is under way, and the peer has not said goodbye.
  [[nodiscard]] bool is_ready() const;
  // `message`, framed, stays valid until there is an answer or the session is gone. Needs is_ready().
  void call(std::string_view message);
  // Bytes of the peer. False: the connection is of no use any more.
  [[nodiscard]] bool take(std::string_view bytes);
  // The peer has closed, or the connection broke.
  void end(std::string why);
  // What is to be sent next, in pieces; empty: nothing for now. Valid until the next call of anything. To be
  // asked after each take(): an error of the peer's ends the call here.
  [[nodiscard]] std::string_view output();
  // The answer to the call, once.
  [[nodiscard]] std::optional<Answer> answer();
  // No call is under way, and none will be: the connection may be closed.
  [[nodiscard]] bool is_over() const;

 private:
  struct Call;
  struct Callbacks;
  struct SessionDeleter {
    void operator()(nghttp2_session* session) const noexcept;
  };

  enum class Stream : std::uint8_t { kLeft, kReset };  // what becomes of the call's

  void settle(Answer answer, Stream stream);
  void settle_by_fields();
  void settle_by_reset(std::uint32_t error);

  const GrpcHead head_;
  std::unique_ptr<Call> call_;  // null: none is under way
  std::optional<Answer> answer_;
  std::string broken_;                                        // why the connection is of no use
  bool is_leaving_ = false;                                   // the peer has sent GOAWAY
  std::size_t taken_bytes_ = 0;                               // since the last call began or ended
  std::unique_ptr<nghttp2_session, SessionDeleter> session_;  // first to go: it calls back
};

}  // namespace fluxrig::otlp
