#include "sim/fleet_plan.hpp"

#include <algorithm>
#include <cmath>

#include "base/random.hpp"

namespace fluxrig::sim {
namespace {

constexpr std::int64_t kOutageAt = 120 * kNanosPerSecond;  // the mixer has learnt its store by then

double unit(Random& random) { return static_cast<double>(random.below(1U << 30)) / (1U << 30); }
// As likely between 1 and 10 as between 10 and 100.
double log_uniform(Random& random, double least, double most) {
  return least * std::pow(most / least, unit(random));
}
std::int64_t seconds(double value) { return static_cast<std::int64_t>(value * kNanosPerSecond); }

// Seconds within which more goes wrong on the way back.
double span_of(const FleetPlan& plan) {
  return std::clamp(static_cast<double>(plan.outage.nanos) / kNanosPerSecond, 120.0, 3600.0);
}

// Of a TCP connection over this path: its rate, or what loss leaves of it (Mathis et al., 1997).
double carried_bytes_per_s(const pressure::LinkModel& link) {
  if (link.loss <= 0) return link.bytes_per_s;
  const double round_trip = static_cast<double>(link.round_trip) / kNanosPerSecond;
  return std::min(link.bytes_per_s, 1460 * std::sqrt(1.5 / link.loss) / round_trip);
}

FleetRackPlan make_rack(Random& random, const FleetPlan& plan, double live) {
  FleetRackPlan rack;
  rack.link.bytes_per_s = log_uniform(random, 50e3, 1e9) / 8;
  rack.link.round_trip = static_cast<std::int64_t>(log_uniform(random, 20, 800) * kNanosPerMilli);
  if (random.below(3) == 0) rack.link.loss = log_uniform(random, 1e-4, 1e-2);
  rack.link.noise_percent = 1;
  // A tenth of its link at most, both lanes together: a rack whose link is full of live records can never
  // catch up.
  const double most = carried_bytes_per_s(rack.link) / 20;
  rack.audit_bytes_per_s = std::min(live * log_uniform(random, 20, 2000), most);
  rack.telemetry_bytes_per_s = std::min(live * log_uniform(random, 20, 2000), most);
  // One in ten is cut off for itself as well, on the way back, for seconds to half an hour.
  if (random.below(10) == 0) {
    const double length = log_uniform(random, 2, span_of(plan) / 2);
    const double at = unit(random) * span_of(plan) / 2;
    rack.outages.push_back({plan.outage.end() + seconds(at), seconds(length)});
  }
  return rack;
}

void plan_capacity(FleetPlan& plan, Random& random, double live) {
  const double normal = live * (3 + 3 * unit(random));
  plan.capacity.push_back({0, normal});
  // While the fleet catches up the store becomes slower, and later as fast as before: a vacuum, a neighbour.
  const double span = span_of(plan);
  std::int64_t at = plan.outage.end() + seconds((0.05 + 0.1 * unit(random)) * span);
  for (int i = 0; i < 2; ++i) {
    const double part = 0.55 + 0.3 * unit(random);
    plan.capacity.push_back({at, normal * part});
    at += seconds((0.1 + 0.15 * unit(random)) * span);
    plan.capacity.push_back({at, normal});
    at += seconds((0.1 + 0.2 * unit(random)) * span);
  }
}

// Twice what the store and the narrowest link would need, and an hour.
std::int64_t deadline_of(const FleetPlan& plan, double live) {
  const double away = static_cast<double>(plan.outage.nanos) / kNanosPerSecond;
  double longest = away * live / (plan.capacity.front().bytes_per_s * 0.4 - live);
  for (const auto& rack : plan.racks) {
    const double produced = rack.audit_bytes_per_s + rack.telemetry_bytes_per_s;
    longest = std::max(longest, away * produced / (carried_bytes_per_s(rack.link) * 0.25));
  }
  return plan.outage.end() + seconds(2 * longest + 7200);
}

}  // namespace

std::string_view to_string(FleetOutageKind kind) noexcept {
  return kind == FleetOutageKind::kBus ? "bus" : "store";
}

FleetPlan make_fleet_plan(std::uint64_t seed, const FleetPlanOptions& options) {
  SeededRandom random(seed);
  FleetPlan plan;
  plan.seed = seed;
  plan.outage = {kOutageAt, options.outage_seconds * kNanosPerSecond};
  plan.kind = options.sink_outage ? FleetOutageKind::kSink : FleetOutageKind::kBus;
  plan.telemetry_backlog_bytes = 16U << 20;
  double live = 0;
  for (std::size_t i = 0; i < options.racks; ++i) {
    plan.racks.push_back(make_rack(random, plan, options.live));
    live += plan.racks.back().audit_bytes_per_s + plan.racks.back().telemetry_bytes_per_s;
  }
  plan_capacity(plan, random, live);
  // Room for a minute of the store's work: more would only hide trouble.
  plan.stream_bytes = static_cast<std::uint64_t>(60 * plan.capacity.front().bytes_per_s);
  plan.batch_bytes = static_cast<std::uint64_t>(plan.capacity.front().bytes_per_s / 4);
  plan.deadline = deadline_of(plan, live);
  return plan;
}

}  // namespace fluxrig::sim
