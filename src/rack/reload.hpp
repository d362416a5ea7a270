// Reading a scenario file, at start and again on SIGHUP. One thread.
#pragma once

#include <string>
#include <vector>

#include "rack/rack.hpp"

namespace fluxrig::rack {

// The error is the whole report as a person reads it.
[[nodiscard]] tl::expected<Scenario, std::string> load_file(const RackFiles& files,
                                                            const std::vector<gear::GearType>& catalogue);

}  // namespace fluxrig::rack
