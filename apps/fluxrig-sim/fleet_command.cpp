#include "fleet_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <optional>

#include "sim/fleet.hpp"

namespace fluxrig::sim {
namespace {

struct Arguments {
  std::optional<std::uint64_t> seed;
  std::uint64_t from = 0;  // first of the seeds; 0: fresh
  std::uint64_t runs = 1;
  bool fleet = false;
  bool watch = false;
  FleetPlanOptions plan;
};

void print_sample(const FleetSample& sample) {
  fmt::print(
      "{:8.0f} s  normal {:5} restrict {:5} divert {:5} replay {:5}  backlog {:9.1f} MB  stored {:9.1f} MB  "
      "at "
      "the mixer {:6.2f} MB  capacity {:6.2f} MB/s\n",
      sample.seconds, sample.racks[0], sample.racks[1], sample.racks[2], sample.racks[3],
      sample.backlog_megabytes, sample.stored_megabytes, sample.waiting_megabytes,
      sample.capacity_megabytes_per_s);
}

void print_result(const FleetPlan& plan, const FleetResult& result, double took) {
  const auto& figures = result.figures;
  const auto megabytes = [](std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; };
  fmt::print(
      "seed {}: {} racks, {} away for {} s, {:.0f} s simulated, {} events in {:.0f} s, digest {:016x}\n",
      plan.seed, plan.racks.size(), to_string(plan.kind), plan.outage.nanos / kNanosPerSecond, result.seconds,
      result.events, took, result.digest);
  fmt::print("  backlog          {:.1f} MB at most; 99 % stored after {:.0f} s, all after {:.0f} s\n",
             result.backlog_megabytes, result.mostly_drained_seconds, result.drained_seconds);
  fmt::print(
      "  store            {:.1f} % of its capacity in the fullest second ({:.1f} % within {} s of a step "
      "down), {:.1f} % on average while it drained\n",
      100 * figures.highest_load, 100 * figures.highest_load_slower,
      FleetChecks::kSlowerGrace / kNanosPerSecond, 100 * figures.mean_load_draining);
  fmt::print("  live lateness    p50 {:.2f} s, p99 {:.2f} s, p99.9 {:.2f} s, {} messages while it drained\n",
             figures.lateness_p50_s, figures.lateness_p99_s, figures.lateness_p999_s, figures.live_messages);
  fmt::print("  memory           {:.0f} kB in one rack at most; {:.1f} s of the store's work at the mixer\n",
             result.memory_kilobytes, result.waiting_seconds);
  fmt::print(
      "  P1, P2 produced  {:.1f} MB, {:.1f} MB; stored {:.1f} MB, {:.1f} MB; dropped {:.1f} MB, {:.1f} MB\n",
      megabytes(result.produced[0]), megabytes(result.produced[1]), megabytes(result.stored[0]),
      megabytes(result.stored[1]), megabytes(result.dropped[0]), megabytes(result.dropped[1]));
  fmt::print("  transitions      normal {}, restrict {}, divert {}, replay {}\n", figures.transitions[0],
             figures.transitions[1], figures.transitions[2], figures.transitions[3]);
}

bool run_one(std::uint64_t seed, const Arguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  const auto plan = make_fleet_plan(seed, arguments.plan);
  const auto result = run_fleet(plan, arguments.watch ? FleetWatch(print_sample) : FleetWatch());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  print_result(plan, result, took.count());
  if (result.broken)
    fmt::print(
        "seed {}: broken promise: {}: {}\n  repeat it with: ./dev sim --fleet --seed {} --racks {} "
        "--outage {} --live {}{}\n",
        seed, result.broken->promise, result.broken->detail, seed, arguments.plan.racks,
        arguments.plan.outage_seconds, arguments.plan.live, arguments.plan.sink_outage ? " --store" : "");
  std::fflush(stdout);
  return !result.broken;
}

}  // namespace

int fleet_command(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"Cuts a fleet of racks off, lets them come back together, and checks what was promised.",
               "fluxrig-sim"};
  app.add_flag("--fleet", arguments.fleet, "this mode")->required();
  app.add_option("--seed", arguments.seed, "the run of this seed");
  app.add_option("--from", arguments.from, "first of the seeds (default: a fresh one)");
  app.add_option("--runs", arguments.runs, "so many seeds (default 1)");
  app.add_option("--racks", arguments.plan.racks, "default 1000")->check(CLI::Range(1, 100'000));
  app.add_option("--outage", arguments.plan.outage_seconds, "seconds (default 3600)")
      ->check(CLI::Range(1, 30 * 86'400));
  app.add_option("--live", arguments.plan.live, "times the usual live records of each rack (default 1)")
      ->check(CLI::Range(0.01, 1000.0));
  app.add_flag("--store", arguments.plan.sink_outage, "the store is away, not the bus");
  app.add_flag("--watch", arguments.watch, "print the fleet every ten simulated seconds");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  if (arguments.seed) return run_one(*arguments.seed, arguments) ? 0 : 1;
  const std::uint64_t first =
      arguments.from != 0 ? arguments.from : SeededRandom::from_system().next() >> 16U;
  bool good = true;
  for (std::uint64_t run = 0; run < arguments.runs && good; ++run) good = run_one(first + run, arguments);
  return good ? 0 : 1;
}

}  // namespace fluxrig::sim
