// The keys of a scenario outside gears and wires, as a table, and how the environment overrides them. Any
// thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rack/scenario.hpp"

namespace fluxrig::rack {

[[nodiscard]] const std::vector<gear::Option>& scenario_options();

// "telemetry.sampling.ratio" is FLUXRIG_TELEMETRY_SAMPLING_RATIO.
[[nodiscard]] std::string variable_name(std::string_view path);

// Every scalar option with its path, in the order of the table. The views live as long as the program.
struct OverridableOption {
  std::string path;
  const gear::Option* option = nullptr;
};
[[nodiscard]] std::vector<OverridableOption> overridable_options();

// Puts the values of the environment into `root` (a map). A value that does not parse is a complaint that
// names the variable, and is not put there.
void apply_environment(const Environment& environment, std::string_view folder, yaml::Node& root,
                       std::vector<yaml::Complaint>& complaints);

}  // namespace fluxrig::rack
