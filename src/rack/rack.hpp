// A running rack: everything that `fluxrig rack` starts, in the order of its life. Built and run by one
// thread, which becomes the io thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "gear/settings.hpp"
#include "rack/scenario.hpp"

namespace fluxrig::rack {

// Documented exit codes of `fluxrig rack`.
inline constexpr int kExitClean = 0;
inline constexpr int kExitFailure = 1;  // could not start, or had to stop
inline constexpr int kExitInvalid = 2;  // the scenario or the command line is wrong

struct RackFiles {
  std::string scenario;  // path of the YAML file
  Environment environment;
};

// Runs until SIGTERM or SIGINT, drains, and returns the exit code. SIGHUP reads the scenario again and takes
// over the log level and the sampling; other changes are named and need a restart. Complaints and failures go
// to stderr.
[[nodiscard]] int run(const RackFiles& files, const std::vector<gear::GearType>& catalogue);

// For programs with gears of their own (examples/): the command line of `fluxrig rack` over a longer
// catalogue.
[[nodiscard]] int run_main(int argc, const char* const* argv, const std::vector<gear::GearType>& catalogue);

// The FLUXRIG_* and OTEL_* variables of this process.
[[nodiscard]] Environment process_environment();

}  // namespace fluxrig::rack
