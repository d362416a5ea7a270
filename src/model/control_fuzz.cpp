// Any bytes: a command or an answer that decodes is within its limits and comes back from its own encoding.
#include "base/assert.hpp"
#include "model/control.hpp"

namespace {

template <typename Message, typename Decode>
void check(const Message& message, std::size_t size, const Decode& decode) {
  fluxrig::Bytes encoded;
  encode(message, encoded);
  FR_ASSERT(encoded.size() <= size);
  const auto again = decode(encoded);
  FR_ASSERT(again.has_value() && *again == message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig;
  const ByteView input(data, size);
  if (const auto command = model::decode_control_command(input)) {
    FR_ASSERT(command->arguments.size() <= model::kMaxControlEntries);
    check(*command, size, model::decode_control_command);
    if (const auto forced = model::forced_pressure(*command))
      FR_ASSERT(forced->duration_ms <= model::kMaxForcedMs && (forced->duration_ms != 0 || !forced->state));
  }
  if (const auto answer = model::decode_control_answer(input))
    check(*answer, size, model::decode_control_answer);
  return 0;
}
