// Any bytes: what decodes can be encoded, and from then on encoding and decoding change nothing.
#include "base/assert.hpp"
#include "model/record_codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig;
  const auto record = model::decode({data, size});
  if (!record) return 0;
  Bytes once;
  model::encode(*record, once);
  // Bytes, not records: a NaN is not equal to itself.
  const auto again = model::decode(once);
  FR_ASSERT(again.has_value());
  Bytes twice;
  model::encode(*again, twice);
  FR_ASSERT(once == twice);
  return 0;
}
