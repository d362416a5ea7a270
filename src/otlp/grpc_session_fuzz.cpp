// Any bytes as what a gRPC server sends for a call, in pieces: there is at most one answer, its texts are
// short and printable, and what is kept of it is bounded. The first byte is the length of the pieces.
#include <algorithm>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "otlp/grpc_session.hpp"
#include "otlp/grpc_status.hpp"

namespace {

using namespace fluxrig::otlp;

void check(const Answer& answer) {
  FR_ASSERT(answer.why.size() <= kMaxAnswerText);
  FR_ASSERT(std::all_of(answer.why.begin(), answer.why.end(), [](char c) { return c >= 0x20 && c <= 0x7e; }));
  FR_ASSERT(answer.body.size() <= kMaxResponseBytes);
  FR_ASSERT(!answer.retry_after_nanos || *answer.retry_after_nanos >= 0);
  (void)judge(answer);
}

void drain(GrpcSession& session) {
  while (!session.output().empty()) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  auto bytes = fluxrig::as_text({data, size});
  const auto piece = std::max<std::size_t>(1, static_cast<unsigned char>(bytes[0]));
  bytes.remove_prefix(1);
  (void)decode_grpc_message(bytes);
  (void)grpc_retry_delay(bytes);

  GrpcSession session({.tls = false,
                       .authority = "a:1",
                       .path = "/x",
                       .user_agent = "u",
                       .timeout_ms = 1,
                       .gzip = false,
                       .metadata = {}});
  const std::string request(100'000, 'r');
  session.call(request);
  drain(session);
  int answers = 0;
  const auto take_answer = [&] {
    if (const auto answer = session.answer()) {
      ++answers;
      check(*answer);
    }
  };
  while (!bytes.empty() && session.take(bytes.substr(0, piece))) {
    bytes.remove_prefix(std::min(piece, bytes.size()));
    drain(session);
    take_answer();
  }
  take_answer();
  session.end("over");
  take_answer();
  FR_ASSERT(answers == 1);
  FR_ASSERT(session.is_over() && !session.is_ready());
  return 0;
}
