#include "otlp/retry_policy.hpp"

#include <algorithm>

namespace fluxrig::otlp {

Verdict judge(const Answer& answer) noexcept {
  switch (answer.kind) {
    case Answer::Kind::kNone:
      return Verdict::kRetry;
    case Answer::Kind::kTooLarge:
      return Verdict::kUnusable;
    case Answer::Kind::kAnswered:
      break;
  }
  switch (answer.status) {
    case 429:
    case 502:
    case 503:
    case 504:
      return Verdict::kRetry;
    default:
      // Redirections are not followed: telemetry goes where the settings say and nowhere else.
      return answer.status >= 200 && answer.status < 300 ? Verdict::kDelivered : Verdict::kRefused;
  }
}

Backoff::Wait Backoff::after(MonotonicNanos began, MonotonicNanos now,
                             std::optional<std::int64_t> retry_after, Random& random) noexcept {
  const auto jitter = [&](std::int64_t below) {
    return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(below) + 1));
  };
  std::int64_t wait = next_ / 2 + jitter(next_);
  next_ = std::min(next_ * kGrowthPercent / 100, options_.most);
  // All clients were told the same moment: they should not come at the same one.
  if (retry_after) wait = *retry_after + jitter(*retry_after / 10);
  const MonotonicNanos until{now.value + wait};
  return {until, until.value - began.value > options_.give_up};
}

}  // namespace fluxrig::otlp
