// Any bytes that make a tracestate: what is read fits 56 bits, and without its threshold, or with another, it
// is a tracestate that says the same of the rest.
#include "base/assert.hpp"
#include "trace/context.hpp"
#include "trace/probability.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig;
  const auto state = trace::parse_tracestate(as_text({data, size}));
  if (!state) return 0;
  const auto stated = trace::parse_probability(*state);
  FR_ASSERT(stated.threshold.value_or(0) < trace::kRejectAll &&
            stated.randomness.value_or(0) < trace::kRejectAll);
  const std::string rest = trace::without_threshold(*state);
  const auto again = trace::parse_tracestate(rest);
  FR_ASSERT(again.has_value() && *again == rest && rest.size() <= state->size());
  const auto left = trace::parse_probability(rest);
  FR_ASSERT(!left.threshold && left.randomness == stated.randomness);
  const std::string with = trace::with_threshold(*state, "e66");
  const auto judged = trace::parse_tracestate(with);
  FR_ASSERT(judged.has_value() && (*judged == with || with.size() > 512));
  FR_ASSERT(trace::parse_probability(with).threshold == 0xe6600000000000U);
  return 0;
}
