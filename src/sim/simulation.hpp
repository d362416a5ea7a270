// One run: a plan's world is made, lives for so many events, comes to rest, and is compared with its
// promises. The same seed gives the same run, to the last event. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sim/oracle.hpp"
#include "sim/plan.hpp"

namespace fluxrig::sim {

struct RunOptions {
  bool print_events = false;
};

struct RunResult {
  std::uint64_t events = 0;
  std::uint64_t deaths = 0;  // crash points: processes that died, at whatever operation
  std::uint64_t faults = 0;
  std::uint64_t answered = 0;
  std::uint64_t stored = 0;
  std::uint64_t departed = 0;  // transactions with an effect outside
  std::uint64_t in_doubt = 0;
  std::uint64_t messages = 0;  // of P0, accepted
  std::uint64_t dead_letters = 0;
  std::uint64_t declared_losses = 0;      // records
  std::uint64_t telemetry_survivors = 0;  // batches that outlived a death in a backlog
  std::uint64_t telemetry_named = 0;      // records that went lost and were named
  std::uint64_t telemetry_again = 0;      // batches that were handed to the bus again
  std::uint64_t leases = 0;               // that the mixer sent
  std::uint64_t digest = 0;
  double seconds = 0;  // simulated
  std::optional<BrokenPromise> broken;
  std::string last_events;  // of a run that broke a promise
};

[[nodiscard]] RunResult run(const Plan& plan, const RunOptions& options = {});

}  // namespace fluxrig::sim
