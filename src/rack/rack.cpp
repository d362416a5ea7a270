#include "rack/rack.hpp"

#include <fmt/format.h>
#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "base/core_dumps.hpp"
#include "rack/rack_parts.hpp"
#include "rack/reload.hpp"
#include "rack/sampler_environment.hpp"
#include "sanitize/sanitizer.hpp"

namespace fluxrig::rack {
namespace {

constexpr std::size_t kMaxScenarioBytes = yaml::kMaxBytes;

Outcome<std::string> read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return problem(fmt::format("cannot open the scenario '{}'; does the file exist?", path));
  std::string text(kMaxScenarioBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kMaxScenarioBytes)
    return problem(fmt::format("the scenario '{}' is larger than 4 MiB", path));
  return text;
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

// Before the first thread. Few arenas: each keeps its own free lists resident. But more than one: messages
// are allocated by the bus's threads and freed by the io thread, and one lock for all of them costs a tenth
// of the processor at full load.
void keep_memory_small(const Memory& memory) {
  ::mallopt(M_ARENA_MAX, memory.arenas);
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) == 0) {
    (void)::pthread_attr_setstacksize(&attributes, memory.thread_stack_bytes);
    (void)::pthread_setattr_default_np(&attributes);
    (void)::pthread_attr_destroy(&attributes);
  }
  // Fast bins would be consolidated whenever a block next to the top of the heap is freed, which is all the
  // time here.
  ::mallopt(M_MXFAST, 0);
}

}  // namespace

tl::expected<Scenario, std::string> load_file(const RackFiles& files,
                                              const std::vector<gear::GearType>& catalogue) {
  const auto text = read_text(files.scenario);
  if (!text) return tl::unexpected(sanitize::mask_card_numbers(text.error().message) + "\n");
  auto scenario = load(*text, folder_of(files.scenario), catalogue, files.environment);
  // A report quotes lines of the file; what was masked is as long as before, so its marks still point right.
  const auto searched = [&](const std::vector<yaml::Complaint>& complaints) {
    return sanitize::mask_card_numbers(report(complaints, files.scenario, *text));
  };
  if (!scenario) return tl::unexpected(searched(scenario.error()));
  if (const auto complaints = check_directories(*scenario); !complaints.empty())
    return tl::unexpected(searched(complaints));
  return *std::move(scenario);
}

int run(const RackFiles& files, const std::vector<gear::GearType>& catalogue) {
  forbid_core_dumps();
  // A peer that closes while we write is an error code of that write.
  std::signal(SIGPIPE, SIG_IGN);
  auto scenario = load_file(files, catalogue);
  if (!scenario) {
    std::fputs(scenario.error().c_str(), stderr);
    return kExitInvalid;
  }
  if (scenario->core_dumps) allow_core_dumps();
  keep_memory_small(scenario->memory);
  Rack rack(files, catalogue, *std::move(scenario));
  if (const auto started = rack.start(); !started) {
    std::fprintf(stderr, "fluxrig rack: %s\n", sanitize::mask_card_numbers(started.error().message).c_str());
    return kExitFailure;
  }
  // What parsing the scenario took is free again: back to the system with it.
  ::malloc_trim(0);
  rack.run();
  return kExitClean;
}

int run_main(int argc, const char* const* argv, const std::vector<gear::GearType>& catalogue) {
  if (argc != 2 || std::string_view(argv[1]).starts_with('-')) {
    std::fprintf(stderr, "usage: %s SCENARIO.yaml\n", argc > 0 ? argv[0] : "rack");
    return kExitInvalid;
  }
  return run({argv[1], process_environment()}, catalogue);
}

Environment process_environment() {
  Environment variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if ((!text.starts_with("FLUXRIG_") && !text.starts_with("OTEL_")) || equals == std::string_view::npos)
      continue;
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  for (const auto& warning : apply_sampler(variables, variables))
    std::fprintf(stderr, "fluxrig: %s\n", warning.c_str());
  return variables;
}

}  // namespace fluxrig::rack
