#include "pressure/lease_keeper.hpp"

namespace fluxrig::pressure {

bool LeaseKeeper::take(const model::PressureLease& lease, MonotonicNanos now) {
  if (lease_ && !model::supersedes(lease, *lease_)) return false;
  lease_ = lease;
  expires_ = {now.value + std::int64_t{lease.lease_ms} * kNanosPerMilli};
  return true;
}

void LeaseKeeper::welcomed(MonotonicNanos now) noexcept { welcomed_ = now; }

LeaseView LeaseKeeper::view(MonotonicNanos now) const noexcept {
  if (!lease_) return {};
  if (now < expires_) return {LeaseStanding::kValid, *lease_};
  const auto forgotten = forgotten_at();
  if (forgotten && now >= *forgotten) return {};
  return {LeaseStanding::kExpired, *lease_};
}

std::optional<MonotonicNanos> LeaseKeeper::next_change(MonotonicNanos now) const noexcept {
  if (!lease_) return std::nullopt;
  if (now < expires_) return expires_;
  const auto forgotten = forgotten_at();
  return forgotten && now < *forgotten ? forgotten : std::nullopt;
}

std::optional<MonotonicNanos> LeaseKeeper::forgotten_at() const noexcept {
  // A welcome while the lease was valid says nothing about why the next one did not come.
  if (!welcomed_ || *welcomed_ < expires_) return std::nullopt;
  return MonotonicNanos{welcomed_->value + kOlderMixerAfter};
}

}  // namespace fluxrig::pressure
