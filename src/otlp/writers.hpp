// The two writers. Both are driven by the same walk (request_walk.hpp), so they say the same. Internal to the
// module.
#pragma once

#include "otlp/encode.hpp"
#include "otlp/plan.hpp"

namespace fluxrig::otlp {

[[nodiscard]] Encoded encode_protobuf(const Plan& plan, const Options& options);
[[nodiscard]] Encoded encode_json(const Plan& plan, const Options& options);

}  // namespace fluxrig::otlp
