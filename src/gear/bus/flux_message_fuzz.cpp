// Hostile messages between racks: decoding stays within its bounds, and what decodes encodes to the same
// again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "gear/bus/flux_message.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig::gear::bus;
  const auto decoded = decode_message({data, size});
  if (!decoded || decoded->failure) return 0;
  const auto encoded = encode_message(decoded->message);
  // Every bound of the decoder holds for the encoder too; its estimate of the size may be the larger one.
  if (!encoded) {
    if (size + 32 * kMaxFields < kMaxEncoded) std::abort();
    return 0;
  }
  const auto again = decode_message(*encoded);
  if (!again || again->message.payload != decoded->message.payload ||
      again->message.fields != decoded->message.fields || again->message.meta != decoded->message.meta)
    std::abort();
  return 0;
}
