#include "rack/loss_window.hpp"

#include <algorithm>

namespace fluxrig::rack {

bool LossWindow::admits(tap::RingPosition record, tap::RingPosition durable, MonotonicNanos now) {
  while (!at_risk_.empty() && at_risk_.front().first <= durable) at_risk_.pop_front();
  if (!at_risk_.empty()) {
    const std::int64_t width = now.value - at_risk_.front().second.value;
    if (width >= nanos_ || at_risk_.size() >= kMaxAtRisk) return false;
    widest_ = std::max(widest_, width);
  }
  at_risk_.emplace_back(record, now);
  return true;
}

}  // namespace fluxrig::rack
