// Any bytes: a hello, a reply or a heartbeat that decodes comes back from its own encoding.
#include "base/assert.hpp"
#include "model/agent.hpp"

namespace {

template <typename Decode>
void check(fluxrig::ByteView input, const Decode& decode) {
  const auto message = decode(input);
  if (!message) return;
  fluxrig::Bytes encoded;
  encode(*message, encoded);
  const auto again = decode(encoded);
  FR_ASSERT(again.has_value() && *again == *message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig;
  const ByteView input(data, size);
  check(input, model::decode_hello);
  check(input, model::decode_hello_reply);
  check(input, model::decode_heartbeat);
  return 0;
}
