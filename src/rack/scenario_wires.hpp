// The wires of a scenario: reading "shop -> router.visa -> bank", and whether they make a sound graph. Any
// thread.
#pragma once

#include <string_view>
#include <vector>

#include "rack/scenario.hpp"

namespace fluxrig::rack {

inline constexpr std::size_t kMaxWires = 4096;

// Adds to scenario.wires; scenario.gears is complete. `known_names` also has the gears that could not be
// built, so that a wire to one of them is no further mistake.
void read_wires(const yaml::Node& list, std::string_view text,
                const std::vector<std::string_view>& known_names, Scenario& scenario,
                std::vector<yaml::Complaint>& complaints);

// For gears and wires without mistakes in themselves.
void check_graph(const Scenario& scenario, std::vector<yaml::Complaint>& complaints);

}  // namespace fluxrig::rack
