// OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG of OpenTelemetry's environment variables, as the ratio of a
// scenario. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "rack/scenario.hpp"

namespace fluxrig::rack {

// Puts what they say into FLUXRIG_TELEMETRY_SAMPLING_RATIO, unless that is there already. A rack's sampling
// is parent-based, always, and keeps what failed or was slow: parentbased_always_on (1),
// parentbased_always_off (0) and parentbased_traceidratio (its argument, 1 without). Empty is unset. One
// sentence in the result for each that is ignored: another sampler, an argument that is no ratio.
[[nodiscard]] std::vector<std::string> apply_sampler(const Environment& otel, Environment& variables);

}  // namespace fluxrig::rack
