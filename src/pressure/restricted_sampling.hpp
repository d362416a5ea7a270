// Which P2 records still leave in RESTRICT. Decided by the trace id, as the head's sampling is
// (tap/sampling.hpp): every rack keeps the same traces, and what a smaller ratio keeps a larger one keeps
// too. The caller counts what is not kept under `restricted_sampling`. Any thread; values only.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/ids.hpp"

namespace fluxrig::pressure {

enum class TelemetryKind : std::uint8_t { kSpan, kMetric, kLog };

struct RestrictedSampling {
  double ratio = 0.1;  // of the traces

  // Metrics are aggregates and always kept: they are small, and what is counted by them is not counted twice.
  // So is what belongs to no trace (all zeros): the rack's own diagnostics are wanted most now.
  [[nodiscard]] bool keeps(TelemetryKind kind, const TraceId& trace_id) const noexcept {
    if (kind == TelemetryKind::kMetric || trace_id.is_zero() || ratio >= 1.0) return true;
    // The 56 random bits of W3C Trace Context level 2 against the rejection threshold of consistent sampling.
    const std::uint64_t randomness = load_be64(trace_id.bytes.data() + 8) & 0x00ffffffffffffffU;
    return static_cast<double>(randomness) >= (1.0 - ratio) * 72057594037927936.0;
  }
};

}  // namespace fluxrig::pressure
