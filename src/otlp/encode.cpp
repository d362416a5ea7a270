#include "otlp/encode.hpp"

#include "base/assert.hpp"
#include "otlp/plan.hpp"
#include "otlp/writers.hpp"

namespace fluxrig::otlp {

Encoded encode(model::Signal signal, std::span<const Batch> batches, const Options& options) {
  FR_ASSERT(options.limits.items > 0);
  const Plan plan(signal, batches);
  return options.encoding == Encoding::kProtobuf ? encode_protobuf(plan, options)
                                                 : encode_json(plan, options);
}

}  // namespace fluxrig::otlp
