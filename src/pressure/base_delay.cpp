#include "pressure/base_delay.hpp"

#include <algorithm>
#include <bit>

namespace fluxrig::pressure {

std::size_t BaseDelay::class_of(std::uint64_t bytes) noexcept {
  const std::uint64_t kib = (std::max<std::uint64_t>(bytes, 1) - 1) / 1024;
  return std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(kib)), kClasses - 1);
}

void BaseDelay::add(std::uint64_t bytes, std::int64_t delay_nanos, MonotonicNanos now) {
  const std::int64_t span = now.value / kSpan;
  for (; span_ < span && span - span_ < static_cast<std::int64_t>(kSpans);)
    ++span_, spans_[span_ % kSpans] = {};
  if (span_ < span) {
    spans_ = {};
    span_ = span;
  }
  Least& least = spans_[span_ % kSpans][class_of(bytes)];
  if (least.nanos == 0 || delay_nanos < least.nanos) least = {std::max<std::int64_t>(delay_nanos, 1), bytes};
}

bool BaseDelay::was_alone(std::uint64_t bytes, std::int64_t delay_nanos, bool late, MonotonicNanos now) {
  if (!late) {
    late_alone_ = 0;
    return false;
  }
  least_alone_ = late_alone_ == 0 ? delay_nanos : std::min(least_alone_, delay_nanos);
  if (++late_alone_ < kLateAlone) return false;
  clear();
  add(bytes, least_alone_, now);
  return true;
}

BaseDelay::Least BaseDelay::least_of(std::size_t size_class) const noexcept {
  Least least;
  for (const auto& span : spans_) {
    const Least& one = span[size_class];
    if (one.nanos != 0 && (least.nanos == 0 || one.nanos < least.nanos)) least = one;
  }
  return least;
}

std::optional<std::int64_t> BaseDelay::expected(std::uint64_t bytes, double bytes_per_s) const {
  std::optional<std::int64_t> best;
  for (std::size_t size_class = 0; size_class <= class_of(bytes); ++size_class) {
    const Least least = least_of(size_class);
    if (least.nanos == 0) continue;
    const std::uint64_t more = bytes > least.bytes ? bytes - least.bytes : 0;
    // Without a rate only the message's own class tells.
    if (more > 0 && bytes_per_s <= 0 && size_class != class_of(bytes)) continue;
    const double longer = bytes_per_s > 0 ? static_cast<double>(more) / bytes_per_s * kNanosPerSecond : 0;
    const std::int64_t nanos = least.nanos + static_cast<std::int64_t>(longer);
    best = std::min(best.value_or(nanos), nanos);
  }
  return best ? best : least();
}

std::optional<std::int64_t> BaseDelay::least() const {
  std::optional<std::int64_t> best;
  for (std::size_t size_class = 0; size_class < kClasses; ++size_class)
    if (const Least least = least_of(size_class); least.nanos != 0)
      best = std::min(best.value_or(least.nanos), least.nanos);
  return best;
}

void BaseDelay::clear() noexcept {
  spans_ = {};
  late_alone_ = 0;
}

}  // namespace fluxrig::pressure
