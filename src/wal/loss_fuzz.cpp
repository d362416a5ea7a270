// Any bytes as the body of a loss block: what is accepted means the same when it is written again.
#include "base/assert.hpp"
#include "wal/control_body.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig;
  const auto loss = wal::decode_loss_body({data, size});
  if (!loss) return 0;
  Bytes encoded;
  wal::encode_loss_body(*loss, encoded);
  FR_ASSERT(encoded.size() <= size);
  const auto again = wal::decode_loss_body(encoded);
  FR_ASSERT(again.has_value() && *again == *loss);
  return 0;
}
