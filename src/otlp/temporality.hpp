// Whether the points of a counter or histogram say all since its start, or what was added since the one
// before.
#pragma once

#include <cstdint>

namespace fluxrig::otlp {

// Of counters and histograms, by OTLP's numbers. Records are cumulative; with kDelta the points have gone
// through a DeltaConverter (delta.hpp). Sums that may fall stay cumulative, as the specification has it.
enum class Temporality : std::uint8_t { kDelta = 1, kCumulative = 2 };

}  // namespace fluxrig::otlp
