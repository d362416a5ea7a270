// Any bytes as Retry-After: refused, or a wait within its bounds that does not grow while time passes.
#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "otlp/retry_after.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig;
  const auto text = as_text({data, size});
  const UnixNanos now{1'700'000'000 * kNanosPerSecond};
  const auto wait = otlp::parse_retry_after(text, now);
  const auto later = otlp::parse_retry_after(text, {now.value + kNanosPerSecond});
  FR_ASSERT(wait.has_value() == later.has_value());
  if (!wait) return 0;
  FR_ASSERT(*wait >= 0 && *wait <= otlp::kMaxRetryAfter);
  FR_ASSERT(*later <= *wait);
  return 0;
}
