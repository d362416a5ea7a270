// Any bytes: what is kept is canonical, within the limit, and safe to put into a header.
#include "base/assert.hpp"
#include "trace/context.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig;
  const auto kept = trace::parse_tracestate(as_text({data, size}));
  if (!kept) return 0;
  FR_ASSERT(kept->size() <= 512);
  for (const char c : *kept) FR_ASSERT(c >= 0x20 && c <= 0x7e);
  const auto again = trace::parse_tracestate(*kept);
  FR_ASSERT(again.has_value() && *again == *kept);
  return 0;
}
