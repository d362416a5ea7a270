// The directory under which bus_out gears keep what waits for the bus: <data>/spool/<gear>.<port>. Business
// bytes: for the rack's user only. One thread, at start.
#pragma once

#include "base/diagnostics.hpp"
#include "base/result.hpp"
#include "rack/scenario.hpp"

namespace fluxrig::rack {

// Makes it when a bus_out gear is in the scenario, and says which spools belong to no gear any more.
[[nodiscard]] Outcome<void> prepare_spool_directory(const Scenario& scenario, Diagnostics& diagnostics);

}  // namespace fluxrig::rack
