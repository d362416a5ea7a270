// bench_cost list | run NAME | steps [TIMES] | time [ITERATIONS]: what the parts on a transaction's path
// cost. One line of JSON each. `run` is for callgrind: it collects inside fluxrig::bench::measured only
// (scripts/count_instructions.py).
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "bench/cost/steps.hpp"
#include "bench/cost/tapped_transaction.hpp"
#include "bench/cost/timing.hpp"
#include "bench/cost/workloads.hpp"
#include "bench/give_up.hpp"

namespace fluxrig::bench {

[[gnu::noinline]] void measured(Workload& workload, std::size_t times);
void measured(Workload& workload, std::size_t times) { workload.run(times); }

namespace {

void list() {
  for (const WorkloadKind& kind : workload_kinds())
    fmt::print("{{\"name\":\"{}\",\"times\":{},\"what\":\"{}\"}}\n", kind.name, kind.times, kind.what);
}

void run(std::string_view name) {
  const auto kinds = workload_kinds();
  const auto kind = std::ranges::find(kinds, name, &WorkloadKind::name);
  if (kind == kinds.end()) give_up("there is no such workload; see: bench_cost list");
  const auto workload = kind->make();
  measured(*workload, kind->times);
}

std::uint64_t median(std::vector<Steps>& all, std::uint64_t Steps::*member) {
  std::ranges::nth_element(all, all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2), {}, member);
  return all[all.size() / 2].*member;
}

std::uint64_t most(const std::vector<Steps>& all, std::uint64_t Steps::*member) {
  return (*std::ranges::max_element(all, {}, member)).*member;
}

void steps(std::size_t times) {
  TappedTransaction transaction;
  tap::Ring ring(4U << 20);
  auto all = step_through([&] { (void)transaction.run(ring); }, times);
  fmt::print(
      "{{\"transactions\":{},\"instructions\":{},\"most_instructions\":{},\"locked\":{},\"system_calls\":{},"
      "\"allocations\":{}}}\n",
      all.size(), median(all, &Steps::instructions), most(all, &Steps::instructions),
      most(all, &Steps::locked), most(all, &Steps::system_calls), most(all, &Steps::allocations));
}

void time(std::size_t iterations) {
  const Timing timing = time_tap(iterations);
  fmt::print("{{\"base\":{:.1f},\"added\":{:.1f},\"added_p99\":{:.1f}}}\n", timing.base_nanos,
             timing.added_nanos, timing.added_nanos_at_p99);
}

std::size_t number(int count, char** arguments, std::size_t otherwise) {
  if (count < 3) return otherwise;
  const std::string_view text = arguments[2];
  std::size_t value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (wrong != std::errc{} || end != text.data() + text.size() || value == 0)
    give_up("write a whole number over 0");
  return value;
}

}  // namespace
}  // namespace fluxrig::bench

int main(int count, char** arguments) {
  using namespace fluxrig::bench;
  const std::string_view command = count > 1 ? arguments[1] : "";
  if (command == "list") {
    list();
  } else if (command == "run" && count == 3) {
    run(arguments[2]);
  } else if (command == "steps") {
    steps(number(count, arguments, 200));
  } else if (command == "time") {
    time(number(count, arguments, 1'000'000));
  } else {
    give_up("usage: bench_cost list | run NAME | steps [TIMES] | time [ITERATIONS]");
  }
}
