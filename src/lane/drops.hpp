// What the telemetry lane dropped, by cause, since the process began: for metrics and checkpoints. The same
// drops by hour and signal are TelemetryLedger's. Any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "model/telemetry.hpp"

namespace fluxrig::lane {

using model::DropCause;
using model::kDropCauses;
using model::to_string;

class DropCounters {
 public:
  void add(DropCause cause, std::uint64_t records) noexcept {
    counts_[static_cast<std::size_t>(cause)].fetch_add(records, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t count(DropCause cause) const noexcept {
    return counts_[static_cast<std::size_t>(cause)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, kDropCauses> counts_{};
};

}  // namespace fluxrig::lane
