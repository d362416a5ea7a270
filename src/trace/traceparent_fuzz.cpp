// Any bytes: what is read is valid, and is read again the same when written.
#include "base/assert.hpp"
#include "trace/context.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig;
  const auto context = trace::parse_traceparent(as_text({data, size}));
  if (!context) return 0;
  FR_ASSERT(!context->trace_id.is_zero() && !context->span_id.is_zero() && context->flags < 4);
  const std::string text = trace::format_traceparent(context->trace_id, context->span_id, context->flags);
  FR_ASSERT(text.size() == 55);
  const auto again = trace::parse_traceparent(text);
  FR_ASSERT(again.has_value() && again->trace_id == context->trace_id && again->span_id == context->span_id &&
            again->flags == context->flags);
  return 0;
}
