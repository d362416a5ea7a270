// What the telemetry lane dropped, by cause: dropping is allowed, dropping silently is not. Any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace fluxrig::lane {

enum class DropCause : std::uint8_t {
  kRingFull,       // the tap's ring had no room for child spans
  kQueueFull,      // the lane's memory bound was reached
  kOversize,       // one record over the limit
  kPublishFailed,  // the bus did not take it: stream full, timed out, connection lost
  kShutdown,       // still queued when the rack stopped
};
inline constexpr std::size_t kDropCauses = 5;

[[nodiscard]] constexpr std::string_view to_string(DropCause cause) noexcept {
  constexpr std::array<std::string_view, kDropCauses> kNames = {"ring_full", "queue_full", "oversize",
                                                                "publish_failed", "shutdown"};
  return kNames[static_cast<std::size_t>(cause)];
}

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
