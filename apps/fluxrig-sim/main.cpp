// fluxrig-sim: runs the simulator over many seeds, or repeats one. Exit code 0: every promise held; 1: one
// was broken; 2: the arguments are wrong.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "fleet_command.hpp"
#include "sim/simulation.hpp"

namespace {

using fluxrig::sim::make_plan;
using fluxrig::sim::RunResult;
using std::chrono::steady_clock;

struct Arguments {
  std::optional<std::uint64_t> seed;
  std::uint64_t from = 0;  // first of the seeds; 0: fresh
  std::uint64_t steps = 3000;
  std::uint64_t seconds = 300;
  std::uint64_t runs = 0;  // 0: no bound
  std::size_t failures = 5;
  bool events = false;
  bool fleet = false;  // answered before the others are read
  fluxrig::sim::PlanOptions plan;
};

struct Totals {
  std::uint64_t runs = 0;
  std::uint64_t events = 0;
  std::uint64_t deaths = 0;
  std::uint64_t faults = 0;
  std::uint64_t answered = 0;
  std::uint64_t stored = 0;
  std::vector<std::uint64_t> failed;

  void add(const RunResult& result) {
    ++runs;
    events += result.events;
    deaths += result.deaths;
    faults += result.faults;
    answered += result.answered;
    stored += result.stored;
  }
};

double since(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

void report(std::uint64_t seed, const Arguments& arguments, const RunResult& result) {
  fmt::print("{}seed {}: broken promise: {}: {}\n  repeat it with: ./dev sim --seed {} --steps {}{}{}{}\n",
             result.last_events, seed, result.broken->promise, result.broken->detail, seed, arguments.steps,
             arguments.plan.disk_errors ? " --disk-errors" : "",
             arguments.plan.bit_rot ? "" : " --no-bit-rot",
             arguments.plan.long_replay ? "" : " --short-replays");
  std::fflush(stdout);
}

int repeat(const Arguments& arguments) {
  const auto result = run(make_plan(*arguments.seed, arguments.steps, arguments.plan), {arguments.events});
  if (result.broken) report(*arguments.seed, arguments, result);
  fmt::print(
      "seed {}: {} events, {} faults, {} crash points, {} answered, {} rows stored, {:.1f} s simulated, "
      "digest {:016x}: {}\n  telemetry: {} batches outlived a death on disk, {} records went lost and were "
      "named, {} batches were sent again; {} leases\n",
      *arguments.seed, result.events, result.faults, result.deaths, result.answered, result.stored,
      result.seconds, result.digest, result.broken ? "BROKEN" : "good", result.telemetry_survivors,
      result.telemetry_named, result.telemetry_again, result.leases);
  return result.broken ? 1 : 0;
}

void progress(const Totals& totals, double seconds) {
  fmt::print("[{:4.0f} s] {} runs, {} events, {} crash points ({:.0f} an hour), {} failures\n", seconds,
             totals.runs, totals.events, totals.deaths, static_cast<double>(totals.deaths) / seconds * 3600,
             totals.failed.size());
  std::fflush(stdout);
}

int explore(const Arguments& arguments) {
  constexpr double kProgressEvery = 10;
  const std::uint64_t first =
      arguments.from != 0 ? arguments.from : fluxrig::SeededRandom::from_system().next() >> 16U;
  fmt::print("seeds from {} on, {} steps each, for {} s\n", first, arguments.steps, arguments.seconds);
  const auto start = steady_clock::now();
  double told = 0;
  Totals totals;
  while (since(start) < static_cast<double>(arguments.seconds) &&
         (arguments.runs == 0 || totals.runs < arguments.runs) && totals.failed.size() < arguments.failures) {
    const std::uint64_t seed = first + totals.runs;
    const auto result = run(make_plan(seed, arguments.steps, arguments.plan));
    totals.add(result);
    if (result.broken) {
      totals.failed.push_back(seed);
      report(seed, arguments, result);
    }
    if (since(start) - told < kProgressEvery) continue;
    told = since(start);
    progress(totals, told);
  }
  const double seconds = since(start);
  fmt::print(
      "{} runs, {} crash points ({:.0f} an hour), {} faults, {} answered, {} rows, {} failures, seeds {} to "
      "{}\n",
      totals.runs, totals.deaths, static_cast<double>(totals.deaths) / seconds * 3600, totals.faults,
      totals.answered, totals.stored, totals.failed.size(), first, first + totals.runs - 1);
  return totals.failed.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const auto is_fleet = [](std::string_view argument) { return argument == "--fleet"; };
  if (std::any_of(argv, argv + argc, is_fleet)) return fluxrig::sim::fleet_command(argc, argv);
  Arguments arguments;
  CLI::App app{
      "Runs racks, bus, mixer and store in simulated time, breaks them, and checks what was promised.",
      "fluxrig-sim"};
  app.add_option("--seed", arguments.seed, "repeat the run of this seed");
  app.add_option("--from", arguments.from, "first of the seeds (default: a fresh one)");
  app.add_option("--steps", arguments.steps, "events of a run until its faults stop")
      ->check(CLI::Range(1, 10'000'000));
  app.add_option("--seconds", arguments.seconds, "how long to go on with new seeds");
  app.add_option("--runs", arguments.runs, "at most so many runs");
  app.add_option("--failures", arguments.failures, "stop after so many failures");
  app.add_flag("--disk-errors", arguments.plan.disk_errors, "single operations of the disk fail as well");
  app.add_flag("!--no-bit-rot", arguments.plan.bit_rot,
               "no bit rots on the racks' disks, and no rack goes on when its disk is full");
  app.add_flag("!--short-replays", arguments.plan.long_replay,
               "no REPLAY lasts longer than the DIVERT before it, nor is disturbed on purpose");
  app.add_flag("--fleet", arguments.fleet, "a fleet of racks instead: --fleet --help");
  app.add_flag("--events", arguments.events, "with --seed: print every event");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  return arguments.seed ? repeat(arguments) : explore(arguments);
}
