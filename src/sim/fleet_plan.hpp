// What one run of the fleet is like, all of it decided by the seed: a thousand racks and their links, how
// long they are cut off together and each for itself, and what the store can take when. Values.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "pressure/link_model.hpp"

namespace fluxrig::sim {

// Nanoseconds since the simulation began.
struct FleetOutage {
  std::int64_t at = 0;
  std::int64_t nanos = 0;
  [[nodiscard]] std::int64_t end() const noexcept { return at + nanos; }
};

struct FleetRackPlan {
  pressure::LinkModel link;
  double audit_bytes_per_s = 0;      // P1 that it produces
  double telemetry_bytes_per_s = 0;  // P2
  std::vector<FleetOutage> outages;  // of its own link
};

enum class FleetOutageKind : std::uint8_t {
  kBus,   // nobody reaches the mixer
  kSink,  // the mixer is there, and its store takes nothing
};
[[nodiscard]] std::string_view to_string(FleetOutageKind kind) noexcept;

struct CapacityChange {
  std::int64_t at = 0;
  double bytes_per_s = 0;  // of the store
};

struct FleetPlan {
  std::uint64_t seed = 0;
  std::vector<FleetRackPlan> racks;
  FleetOutage outage;  // of all
  FleetOutageKind kind = FleetOutageKind::kBus;
  std::vector<CapacityChange> capacity;  // the first at 0
  std::uint64_t stream_bytes = 0;
  std::uint64_t batch_bytes = 0;              // of one commit
  std::uint64_t telemetry_backlog_bytes = 0;  // of each rack; the oldest go first
  std::int64_t deadline = 0;                  // every backlog must have ended
};

struct FleetPlanOptions {
  std::size_t racks = 1000;
  std::int64_t outage_seconds = 3600;
  bool sink_outage = false;
  double live = 1;  // times the usual live records: a small fleet that is as loud as a large one
};
[[nodiscard]] FleetPlan make_fleet_plan(std::uint64_t seed, const FleetPlanOptions& options = {});

}  // namespace fluxrig::sim
