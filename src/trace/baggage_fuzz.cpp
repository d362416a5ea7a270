// Any bytes: what is kept is within the bounds, safe to put into a header, and kept again as it is.
#include <algorithm>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "trace/baggage.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig;
  const std::string kept = trace::bound_baggage(std::string(as_text({data, size})));
  FR_ASSERT(kept.size() <= trace::kMaxBaggageSize && kept.size() <= size);
  FR_ASSERT(std::count(kept.begin(), kept.end(), ',') <
            static_cast<std::ptrdiff_t>(trace::kMaxBaggageMembers));
  for (const char c : kept) FR_ASSERT((c >= 0x20 && c < 0x7f) || c == '\t');
  FR_ASSERT(trace::bound_baggage(kept) == kept);
  return 0;
}
