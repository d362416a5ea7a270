#include "pressure/fleet_budget.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "pressure/fair_share.hpp"

namespace fluxrig::pressure {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

// Figures come from outside: sums and products stay at the end of the scale.
std::uint64_t sum(std::uint64_t left, std::uint64_t right) {
  return left > kMost - right ? kMost : left + right;
}
std::uint64_t times(std::uint64_t left, std::uint64_t right) {
  return right != 0 && left > kMost / right ? kMost : left * right;
}

}  // namespace

void FleetBudget::report(const MachineId& machine, const RackDemand& demand, MonotonicNanos now) {
  auto& rack = racks_[machine];
  rack.demand = demand;
  rack.reported = now;
}

RackGrant FleetBudget::grant(const MachineId& machine) const {
  const auto found = racks_.find(machine);
  return found == racks_.end() ? RackGrant{} : found->second.grant;
}

void FleetBudget::share(std::uint8_t level, MonotonicNanos now) {
  std::erase_if(racks_, [&](const auto& entry) {
    return now.value - entry.second.reported.value > options_.forget_after;
  });
  totals_ = {racks_.size(), 0, 0, 0};
  for (auto& [machine, rack] : racks_) {
    totals_.live_bytes_per_s = sum(totals_.live_bytes_per_s, rack.demand.live_bytes_per_s);
    totals_.backlog_bytes = sum(totals_.backlog_bytes, rack.demand.backlog_bytes);
    rack.grant = {};
  }
  const auto capacity = capacity_.bytes_per_s();
  if (level != 0) return share_live(capacity);
  if (capacity > totals_.live_bytes_per_s) share_replay(capacity - totals_.live_bytes_per_s);
}

std::uint64_t FleetBudget::most_replay(const RackDemand& demand) const {
  const auto drained =
      times(demand.backlog_bytes, kNanosPerSecond) / static_cast<std::uint64_t>(options_.round);
  const auto useful = std::max<std::uint64_t>(drained, 1);
  if (!demand.replay_bytes_per_s) return useful;
  return std::min(useful,
                  std::max(options_.first_grant, times(options_.headroom, *demand.replay_bytes_per_s)));
}

void FleetBudget::share_replay(std::uint64_t budget) {
  std::vector<Claim> claims;
  std::vector<Rack*> owners;
  double all = 0;
  for (auto& [machine, rack] : racks_) {
    if (rack.demand.backlog_bytes == 0) continue;
    claims.push_back({static_cast<double>(rack.demand.backlog_bytes), most_replay(rack.demand), 0});
    owners.push_back(&rack);
    all += claims.back().weight;
  }
  // Backlogs differ by orders of magnitude: with the mean added to each, a small one is not the last to end.
  for (auto& claim : claims) claim.weight += all / static_cast<double>(claims.size());
  share_fairly(budget, claims);
  for (std::size_t i = 0; i < claims.size(); ++i) {
    owners[i]->grant.replay_bytes_per_s = claims[i].granted;
    totals_.replay_bytes_per_s += claims[i].granted;
  }
}

// What they send first, as far as it goes; what is left over equally, so that a rack may send more than it
// did.
void FleetBudget::share_live(std::uint64_t budget) {
  std::vector<Claim> claims;
  claims.reserve(racks_.size());
  for (const auto& [machine, rack] : racks_) claims.push_back({1, rack.demand.live_bytes_per_s, 0});
  share_fairly(budget, claims);
  std::uint64_t given = 0;
  for (const auto& claim : claims) given += claim.granted;
  const auto extra = racks_.empty() ? 0 : (budget - given) / racks_.size();
  auto claim = claims.begin();
  for (auto& [machine, rack] : racks_) rack.grant.pace_bytes_per_s = (claim++)->granted + extra;
}

}  // namespace fluxrig::pressure
