#include "pressure/export_gauge.hpp"

namespace fluxrig::pressure {

double ExportGauge::look(double saturation, std::uint64_t taken, MonotonicNanos now) noexcept {
  if (taken != taken_) {
    taken_ = taken;
    progress_at_ = now;
  }
  if (saturation < kRelieved) full_since_.reset();
  if (saturation >= kFull && !full_since_) full_since_ = now;
  if (!progress_at_ || now.value - progress_at_->value > kNoProgress) return 0;
  if (full_since_ && now.value - full_since_->value > kLongest) return 0;
  return saturation;
}

}  // namespace fluxrig::pressure
