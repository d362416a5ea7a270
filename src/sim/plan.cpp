#include "sim/plan.hpp"

#include <algorithm>

#include "base/clock.hpp"
#include "base/random.hpp"

namespace fluxrig::sim {
namespace {

constexpr std::array<std::string_view, kFaults> kNames = {
    "kill rack",      "power loss",  "kill mixer", "disk error",   "disk full",  "bit flip", "partition",
    "server restart", "server wipe", "sink down",  "sink halfway", "clock jump", "divert"};

constexpr std::uint64_t kLongRun = 8;  // times the events of another

// A power of two between 2^least and 2^most.
std::uint64_t power(Random& random, std::uint32_t least, std::uint32_t most) {
  return std::uint64_t{1} << (least + random.below(most - least + 1));
}

std::uint32_t sometimes(Random& random, std::uint32_t most) {
  return random.below(2) == 0 ? 0 : static_cast<std::uint32_t>(1 + random.below(most));
}

// Drawn apart from the rest: what a seed decides about the rest stays as it was.
void plan_business(Plan& plan) {
  SeededRandom random(plan.seed ^ 0x627573U);
  plan.intent = static_cast<IntentRule>(random.below(3));
  if (plan.racks == 2 && random.below(4) != 0)
    plan.posts = static_cast<std::uint32_t>(100 + random.below(800));
  plan.peers_away = sometimes(random, 100);
  plan.peers_refuse = sometimes(random, 30);
  plan.peers_silent = sometimes(random, 10);
  constexpr std::array<std::size_t, 3> kWindows = {1, 8, 64};
  plan.spool_window = kWindows[random.below(kWindows.size())];
  // Refused for lack of room, a message of a wider window may be overtaken (docs/gears/bus_out.md).
  plan.business_bytes = plan.spool_window == 1 ? plan.stream_bytes : std::uint64_t{1} << 30;
}

// Bits rot seldom, and never beside a power loss that could explain the same damage away, or an error that
// keeps a start from writing what tells of it.
void plan_disk(Plan& plan, const PlanOptions& options) {
  if (!options.bit_rot || options.disk_errors) return;
  SeededRandom random(plan.seed ^ 0x726f74U);
  plan.continue_when_full = random.below(2) == 0;
  if (random.below(3) != 0) return;
  plan.weights[static_cast<std::size_t>(Fault::kBitFlip)] = 1;
  plan.weights[static_cast<std::size_t>(Fault::kPowerLossRack)] = 0;
}

// Likewise drawn apart. The least segment is a quarter of the least backlog.
void plan_pressure(Plan& plan) {
  SeededRandom random(plan.seed ^ 0x70726573U);
  if (random.below(4) != 0) plan.backlog_bytes = power(random, 16, 18);
  if (random.below(2) == 0) plan.backlog_free_bytes = power(random, 13, 16);
  // More than the two seconds between two of them; a few that are lost let it expire.
  plan.weights[static_cast<std::size_t>(Fault::kDivert)] = sometimes(random, 24);
  if (random.below(4) != 0) plan.lease_ms = random.below(2) == 0 ? 3000 : 10'000;
}

// Likewise drawn apart. A backlog begins to move after up to two seconds, slowly, and is sent again after a
// cut: so that much of it moves while there are faults, there is less of everything else in these runs.
void plan_replay(Plan& plan, const PlanOptions& options) {
  SeededRandom random(plan.seed ^ 0x7265706cU);
  if (!options.long_replay || random.below(4) != 0) return;
  plan.steps *= kLongRun;
  plan.replay_stretch = static_cast<std::uint32_t>(power(random, 2, 4));
  plan.weights[static_cast<std::size_t>(Fault::kDivert)] += 8;
  plan.backlog_bytes = std::max<std::uint64_t>(plan.backlog_bytes, 1U << 17);
  plan.transaction_gap = static_cast<std::int64_t>(power(random, 5, 6)) * kNanosPerMilli;
  plan.fault_gap = static_cast<std::int64_t>(power(random, 9, 11)) * kNanosPerMilli;
}

}  // namespace

std::string_view to_string(Fault fault) noexcept { return kNames[static_cast<std::size_t>(fault)]; }

// Every run differs in kind and not only in detail: a fault that is always there hides what others would
// show.
Plan make_plan(std::uint64_t seed, std::uint64_t steps, const PlanOptions& options) {
  SeededRandom random(seed ^ 0x706c616eU);
  Plan plan;
  plan.seed = seed;
  plan.steps = steps;
  plan.racks = 1 + random.below(2);
  plan.commit = random.below(4) != 0;
  plan.transaction_gap = static_cast<std::int64_t>(power(random, 0, 5)) * kNanosPerMilli;
  plan.fault_gap = static_cast<std::int64_t>(power(random, 5, 8)) * kNanosPerMilli;
  plan.segment_bytes = power(random, 14, 16);
  plan.directory_bytes = random.below(4) == 0 ? power(random, 18, 19) : power(random, 24, 26);
  plan.spare_segments = random.below(3);
  plan.ring_bytes = power(random, 13, 16);
  plan.telemetry_queue_bytes = power(random, 12, 18);
  plan.sampling = random.below(2) == 0 ? 1.0 : 0.3;
  for (std::size_t i = 0; i < static_cast<std::size_t>(Fault::kDivert); ++i)
    plan.weights[i] = sometimes(random, 8);
  plan.weights[static_cast<std::size_t>(Fault::kBitFlip)] = 0;
  if (!options.disk_errors) plan.weights[static_cast<std::size_t>(Fault::kDiskError)] = 0;
  plan.weights[static_cast<std::size_t>(Fault::kKillRack)] += 2;
  plan.weights[static_cast<std::size_t>(Fault::kPowerLossRack)] += 2;
  plan.acknowledgements_lost = sometimes(random, 50);
  plan.publishes_lost = sometimes(random, 50);
  plan.publishes_doubled = sometimes(random, 50);
  plan.deliveries_lost = sometimes(random, 50);
  plan.delay = static_cast<std::int64_t>(power(random, 0, 6)) * 100 * kNanosPerMicro;
  // Never less than the largest message: a block of 128 KiB beside others.
  plan.stream_bytes = random.below(4) == 0 ? power(random, 18, 19) : power(random, 24, 26);
  plan_business(plan);
  plan_disk(plan, options);
  plan_pressure(plan);
  plan_replay(plan, options);
  return plan;
}

}  // namespace fluxrig::sim
