// Shares what the mixer's store can take among the racks. Live telemetry comes first; the rest is shared
// among those with a backlog, max-min fair, weighted by what they have left. The sum of all grants never
// exceeds the estimate of the store's capacity, so a fleet that comes back after an outage cannot storm it.
// Pure: no clock, no thread. One thread; a round over 10,000 racks costs a few milliseconds.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "pressure/sink_capacity.hpp"

namespace fluxrig::pressure {

// What a rack says of itself (model::RackPressure).
struct RackDemand {
  std::uint64_t backlog_bytes = 0;
  std::uint64_t live_bytes_per_s = 0;
  // What it got through of its last grants; nullopt: not known, then its grant has no limit but the others'.
  std::optional<std::uint64_t> replay_bytes_per_s;
  friend bool operator==(const RackDemand&, const RackDemand&) = default;
};

struct RackGrant {
  std::uint64_t replay_bytes_per_s = 0;
  std::optional<std::uint64_t> pace_bytes_per_s;  // of live P1 and P2 in RESTRICT; nullopt: no limit
  friend bool operator==(const RackGrant&, const RackGrant&) = default;
};

class FleetBudget {
 public:
  struct Options {
    SinkCapacity::Options capacity;
    std::int64_t forget_after = 15 * kNanosPerSecond;  // without a report: three heartbeats
    std::int64_t round = 2 * kNanosPerSecond;          // between two grants: more than the backlog is no use
    // A tunnel may be narrower than its rack's fair part: no rack is granted much more than it got through.
    std::uint64_t first_grant = 256U << 10;  // bytes/s
    std::uint64_t headroom = 4;              // times what it got through
  };
  explicit FleetBudget(Options options) : options_(options), capacity_(options.capacity) {}

  // A heartbeat. Of a rack that is not known: it has a share from the next round on.
  void report(const MachineId& machine, const RackDemand& demand, MonotonicNanos now);
  void forget(const MachineId& machine) { racks_.erase(machine); }
  // What the store did, and at which level; before `share`.
  void observe(const SinkRound& round) { capacity_.observe(round); }
  // One round: the grants of all racks that are here. With a level of 1 and more nothing is replayed, and
  // live telemetry has a limit. Forgets racks that have gone.
  void share(std::uint8_t level, MonotonicNanos now);

  // As of the last round; of a rack that came later, nothing.
  [[nodiscard]] RackGrant grant(const MachineId& machine) const;
  template <typename Visit>  // visit(machine, grant)
  void for_each(Visit&& visit) const {
    for (const auto& [machine, rack] : racks_) visit(machine, rack.grant);
  }

  [[nodiscard]] std::uint64_t capacity_bytes_per_s() const noexcept { return capacity_.bytes_per_s(); }
  // Sums over all racks, as of the last round.
  struct Totals {
    std::size_t racks = 0;
    std::uint64_t live_bytes_per_s = 0;
    std::uint64_t backlog_bytes = 0;
    std::uint64_t replay_bytes_per_s = 0;  // granted
  };
  [[nodiscard]] const Totals& totals() const noexcept { return totals_; }

 private:
  struct Rack {
    RackDemand demand;
    RackGrant grant;
    MonotonicNanos reported;
  };

  void share_replay(std::uint64_t budget);
  void share_live(std::uint64_t budget);
  [[nodiscard]] std::uint64_t most_replay(const RackDemand& demand) const;

  Options options_;
  SinkCapacity capacity_;
  std::map<MachineId, Rack> racks_;
  Totals totals_;
};

}  // namespace fluxrig::pressure
