// Any bytes: a lease that decodes is within its limits and comes back from its own encoding.
#include "base/assert.hpp"
#include "model/pressure.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig;
  const auto lease = model::decode_pressure_lease({data, size});
  if (!lease) return 0;
  FR_ASSERT(lease->level <= model::kMaxPressureLevel);
  FR_ASSERT(lease->lease_ms != 0 && lease->lease_ms <= model::kMaxLeaseMs);
  Bytes encoded;
  model::encode(*lease, encoded);
  FR_ASSERT(encoded.size() <= size);
  const auto again = model::decode_pressure_lease(encoded);
  FR_ASSERT(again.has_value() && *again == *lease);
  return 0;
}
