// Which transactions keep their child spans: all that failed or were slow, and a ratio of the rest, decided
// by the trace's randomness so that every rack decides alike. The transaction's own record (root span and
// audit event) is always kept.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/ids.hpp"
#include "model/records.hpp"
#include "tap/draft.hpp"
#include "trace/context.hpp"
#include "trace/probability.hpp"

namespace fluxrig::tap {

// One trace in 1 / ratio, the same on every rack; what a smaller ratio keeps a larger one keeps too.
[[nodiscard]] inline bool is_sampled(const TraceId& trace_id, double ratio) noexcept {
  return trace::randomness_of(trace_id, {}) >= trace::threshold_of(ratio);
}

struct Sampling {
  double ratio = 1.0;  // of the transactions that are neither failed nor slow
  std::int64_t slow_nanos = 250 * kNanosPerMilli;

  // The threshold that a trace's randomness must reach for its child spans to be kept: 0 keeps them in any
  // case, kRejectAll in none. Parent-based: a caller that did not sample its trace gets child spans only of
  // what failed or was slow, and one that sampled it under a threshold has left out what is below.
  [[nodiscard]] std::uint64_t threshold(const RecordHead& head, const trace::Probability& caller,
                                        std::int64_t duration_nanos) const noexcept {
    if (head.outcome != model::TransactionOutcome::kAnswered || duration_nanos >= slow_nanos) return 0;
    if ((head.trace_flags & trace::kSampled) == 0) return trace::kRejectAll;
    return std::max(trace::threshold_of(ratio), caller.threshold.value_or(0));
  }
};

// The head of a trace that begins here: sampled at the same ratio, and its tracestate says under which
// threshold, so that those who follow its sampled flag know how many traces one of theirs stands for.
class HeadSampler {
 public:
  explicit HeadSampler(double ratio = 1.0)
      : threshold_(trace::threshold_of(ratio)),
        tracestate_(threshold_ < trace::kRejectAll ? "ot=th:" + trace::format_threshold(threshold_) : "") {}

  [[nodiscard]] bool samples(const TraceId& trace_id) const noexcept {
    return trace::randomness_of(trace_id, {}) >= threshold_;
  }
  [[nodiscard]] const std::string& tracestate() const noexcept { return tracestate_; }  // of a sampled trace

 private:
  std::uint64_t threshold_;
  std::string tracestate_;
};

}  // namespace fluxrig::tap
