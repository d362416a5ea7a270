#include "otlp/retry_policy.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "otlp/grpc_status.hpp"

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
  if (answer.is_grpc) {
    if (answer.status == static_cast<unsigned>(GrpcCode::kOk)) return Verdict::kDelivered;
    return may_retry_grpc(answer.status, answer.retry_after_nanos.has_value()) ? Verdict::kRetry
                                                                               : Verdict::kRefused;
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

std::string status_text(const Answer& answer) {
  return answer.is_grpc ? fmt::format("gRPC {}", name_of_grpc(answer.status))
                        : fmt::format("HTTP {}", answer.status);
}

Backoff::Wait Backoff::after(MonotonicNanos began, MonotonicNanos now,
                             std::optional<std::int64_t> retry_after, Random& random) noexcept {
  const auto jitter = [&](std::int64_t below) {
    return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(below) + 1));
  };
  std::int64_t wait = next_ / 2 + jitter(next_);
  next_ = std::min(next_ * kGrowthPercent / 100, options_.most);
  // All clients were told the same moment: they should not come at the same one.
  // And a back end that always says "now" is not hammered.
  if (retry_after) wait = std::max(*retry_after + jitter(*retry_after / 10), options_.first / kLeastPart);
  const MonotonicNanos until{now.value + wait};
  return {until, until.value - began.value > options_.give_up};
}

}  // namespace fluxrig::otlp
