// Which transactions keep their child spans: all that failed or were slow, and a ratio of the rest, decided
// by the trace id so that every rack decides alike. The transaction's own record (root span and audit event)
// is always kept.
#pragma once

#include <cstdint>

#include "base/ids.hpp"
#include "model/records.hpp"
#include "tap/draft.hpp"
#include "trace/context.hpp"

namespace fluxrig::tap {

// One trace in 1 / ratio, the same on every rack; what a smaller ratio keeps a larger one keeps too.
[[nodiscard]] inline bool is_sampled(const TraceId& trace_id, double ratio) noexcept {
  if (ratio >= 1.0) return true;
  // The 56 random bits of W3C Trace Context level 2 against the rejection threshold of consistent sampling.
  const std::uint64_t randomness = load_be64(trace_id.bytes.data() + 8) & 0x00ffffffffffffffU;
  return static_cast<double>(randomness) >= (1.0 - ratio) * 72057594037927936.0;
}

struct Sampling {
  double ratio = 1.0;  // of the transactions that are neither failed nor slow
  std::int64_t slow_nanos = 250 * kNanosPerMilli;

  // Parent-based: a caller that did not sample its trace gets child spans only of what failed or was slow.
  [[nodiscard]] bool keeps(const RecordHead& head, std::int64_t duration_nanos) const noexcept {
    if (head.outcome != model::TransactionOutcome::kAnswered || duration_nanos >= slow_nanos) return true;
    if ((head.trace_flags & trace::kSampled) == 0) return false;
    return is_sampled(head.trace_id, ratio);
  }
};

}  // namespace fluxrig::tap
