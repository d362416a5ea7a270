#include "lane/token_bucket.hpp"

#include <algorithm>
#include <limits>

namespace fluxrig::lane {
namespace {

constexpr std::uint64_t kSecond = kNanosPerSecond;

}  // namespace

TokenBucket::TokenBucket(std::uint64_t bytes_per_s, std::uint64_t burst_bytes, MonotonicNanos now)
    : rate_(std::min(bytes_per_s, kMaxRate)),
      burst_(std::clamp<std::uint64_t>(burst_bytes, 1, kMaxBurst)),
      level_(static_cast<std::int64_t>(burst_)),
      at_(now) {}

void TokenBucket::set_rate(std::uint64_t bytes_per_s, MonotonicNanos now) {
  earn(now);
  rate_ = std::min(bytes_per_s, kMaxRate);
}

void TokenBucket::empty(MonotonicNanos now) {
  earn(now);
  level_ = std::min<std::int64_t>(level_, 0);
  remainder_ = 0;
}

bool TokenBucket::take(std::uint64_t bytes, MonotonicNanos now) {
  earn(now);
  const auto needed = static_cast<std::int64_t>(std::min(bytes, burst_));
  if (level_ < needed) return false;
  level_ -= static_cast<std::int64_t>(std::min(bytes, kMaxBurst));
  return true;
}

MonotonicNanos TokenBucket::ready_at(std::uint64_t bytes, MonotonicNanos now) const {
  const auto needed = static_cast<std::int64_t>(std::min(bytes, burst_));
  if (level_ >= needed) return now;
  if (rate_ == 0) return {std::numeric_limits<std::int64_t>::max()};
  return {std::max(now.value, at_.value + nanos_until(needed))};
}

void TokenBucket::earn(MonotonicNanos now) {
  if (now.value <= at_.value) return;
  const std::int64_t elapsed = now.value - at_.value;
  at_ = now;
  if (rate_ == 0) return;
  const auto full = static_cast<std::int64_t>(burst_);
  // The time to fill up bounds the product below: it cannot overflow after an idle week.
  if (elapsed >= nanos_until(full)) {
    level_ = full;
    remainder_ = 0;
    return;
  }
  const auto nanos = static_cast<std::uint64_t>(elapsed);
  const std::uint64_t parts = rate_ * (nanos % kSecond) + remainder_;
  level_ += static_cast<std::int64_t>(rate_ * (nanos / kSecond) + parts / kSecond);
  remainder_ = parts % kSecond;
}

// Nanoseconds after at_ until the level is reached, rounded up; the rate is not 0.
std::int64_t TokenBucket::nanos_until(std::int64_t level) const {
  const auto missing = static_cast<std::uint64_t>(std::max<std::int64_t>(level - level_, 0));
  if (missing == 0) return 0;
  const std::uint64_t whole = missing / rate_;
  const std::uint64_t rest = missing % rate_;
  // Both products stay under 64 bits: the rest is below the rate, hence below 2^33, and `whole` is at most a
  // burst and a debt of 2^32 bytes each at 1 byte/s.
  const std::uint64_t parts = (rest * kSecond + rate_ - 1) / rate_;
  const std::uint64_t nanos = whole * kSecond + parts;
  return static_cast<std::int64_t>(nanos - std::min(nanos, remainder_ / rate_));
}

}  // namespace fluxrig::lane
