// What the fleet's racks send: only sizes and times, for a thousand racks send millions. Values.
#pragma once

#include <array>
#include <cstdint>

namespace fluxrig::sim {

enum class FleetLane : std::uint8_t { kAudit, kTelemetry };
inline constexpr std::size_t kFleetLanes = 2;
[[nodiscard]] constexpr std::size_t index_of(FleetLane lane) noexcept {
  return static_cast<std::size_t>(lane);
}

struct FleetMessage {
  FleetLane lane = FleetLane::kAudit;
  bool live = false;  // or of the backlog
  std::uint32_t rack = 0;
  std::uint64_t bytes = 0;
  std::int64_t produced_at = 0;  // of the oldest record in it
};

// Bytes by lane.
using FleetBytes = std::array<std::uint64_t, kFleetLanes>;

}  // namespace fluxrig::sim
