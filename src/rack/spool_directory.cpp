#include "rack/spool_directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace fluxrig::rack {
namespace {

namespace files = std::filesystem;

std::set<std::string> spools_of(const Scenario& scenario) {
  std::set<std::string> names;
  for (const auto& gear : scenario.gears)
    if (gear.type->name == "bus_out") names.insert(gear.name + "." + std::string(gear.settings.text("port")));
  return names;
}

bool has_segments(const files::path& directory) {
  std::error_code cause;
  for (const auto& file : files::directory_iterator(directory, cause))
    if (file.path().extension() == ".wal") return true;
  return false;
}

}  // namespace

Outcome<void> prepare_spool_directory(const Scenario& scenario, Diagnostics& diagnostics) {
  const files::path directory = scenario.data + "/spool";
  const auto wanted = spools_of(scenario);
  std::error_code cause;
  if (!wanted.empty()) files::create_directories(directory, cause);
  if (!wanted.empty() && !cause) files::permissions(directory, files::perms::owner_all, cause);
  if (cause)
    return problem(fmt::format("cannot make the directory '{}': {}; give the rack's user write access",
                               directory.string(), cause.message()));
  for (const auto& entry : files::directory_iterator(directory, cause)) {
    const auto name = entry.path().filename().string();
    if (wanted.contains(name) || !has_segments(entry.path())) continue;
    diagnostics.warn("spool",
                     "this spool belongs to no bus_out gear of the scenario: what waits in it is sent once a "
                     "gear of its name and port is there again",
                     {{"directory", entry.path().string()}});
  }
  return {};
}

}  // namespace fluxrig::rack
