// A fleet of racks and one mixer with its store, in simulated time: they are cut off together, come back
// together, and every backlog must end without the store ever being asked for more than it can take.
// Pressure, window, paces, sensor and budget are the product's own code; records are bytes. The same seed
// gives the same run, to the last event. docs/simulator.md. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "sim/fleet_checks.hpp"
#include "sim/fleet_plan.hpp"

namespace fluxrig::sim {

struct FleetResult {
  std::uint64_t events = 0;
  std::uint64_t digest = 0;
  double seconds = 0;                 // simulated
  double mostly_drained_seconds = 0;  // from the end of the outage until a hundredth of the backlog was left
  double drained_seconds = 0;         // until no rack had any, those included that were cut off again
  double backlog_megabytes = 0;       // the most of all racks together
  double memory_kilobytes = 0;        // the most that one rack had in memory
  double waiting_seconds = 0;         // the most that waited at the mixer, at the store's lowest capacity
  FleetBytes produced{}, stored{}, dropped{};
  FleetChecks::Figures figures;
  std::optional<BrokenPromise> broken;
};

// Called each simulated ten seconds with what stands: for a picture of the run.
struct FleetSample {
  double seconds = 0;
  std::array<std::size_t, 4> racks{};  // by state
  double backlog_megabytes = 0;
  double stored_megabytes = 0;
  double waiting_megabytes = 0;
  double capacity_megabytes_per_s = 0;
};
using FleetWatch = std::function<void(const FleetSample&)>;

[[nodiscard]] FleetResult run_fleet(const FleetPlan& plan, const FleetWatch& watch = {});

}  // namespace fluxrig::sim
