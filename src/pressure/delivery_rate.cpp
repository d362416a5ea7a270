#include "pressure/delivery_rate.hpp"

#include <algorithm>

namespace fluxrig::pressure {

DeliveryRate::Mark DeliveryRate::sent(bool idle, MonotonicNanos now) {
  if (idle) {
    delivered_at_ = now;
    first_sent_ = now;
  }
  return {delivered_, delivered_at_, first_sent_};
}

void DeliveryRate::acknowledged(const Mark& mark, std::uint64_t bytes, MonotonicNanos sent_at,
                                MonotonicNanos now) {
  delivered_ += bytes;
  delivered_at_ = now;
  first_sent_ = sent_at;
  // The longer of the two: acknowledgements in a bunch do not make the link faster than it was fed.
  const std::int64_t elapsed =
      std::max(now.value - mark.delivered_at.value, sent_at.value - mark.first_sent.value);
  if (elapsed <= 0) return;
  note(static_cast<double>(delivered_ - mark.delivered) * kNanosPerSecond / static_cast<double>(elapsed),
       now);
}

void DeliveryRate::note(double rate, MonotonicNanos now) {
  if (now.value - window_began_.value >= window_) {
    previous_ = now.value - window_began_.value < 2 * window_ ? current_ : 0;
    current_ = 0;
    window_began_ = now;
  }
  current_ = std::max(current_, rate);
  const std::int64_t span = now.value / kSpan;
  if (span - span_ >= static_cast<std::int64_t>(kSpans))
    spans_ = {};
  else
    for (std::int64_t passed = span_ + 1; passed <= span; ++passed) spans_[passed % kSpans] = 0;
  span_ = span;
  double& highest = spans_[span_ % kSpans];
  highest = std::max(highest, rate);
}

double DeliveryRate::recent() const noexcept { return std::max(current_, previous_); }

double DeliveryRate::highest() const noexcept { return *std::max_element(spans_.begin(), spans_.end()); }

void DeliveryRate::clear() noexcept {
  current_ = previous_ = 0;
  spans_ = {};
}

}  // namespace fluxrig::pressure
