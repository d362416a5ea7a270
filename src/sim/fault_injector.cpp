#include "sim/fault_injector.hpp"

#include <cerrno>
#include <numeric>

namespace fluxrig::sim {
namespace {
constexpr std::int64_t kOutage = kNanosPerSecond;         // mean
constexpr std::int64_t kDiversion = 4 * kNanosPerSecond;  // mean
// Means, of what disturbs a long REPLAY: a pause of the backlog's follows a cut, and it should move between.
constexpr std::int64_t kUndisturbed = 800 * kNanosPerMilli;
constexpr std::int64_t kDisturbance = 100 * kNanosPerMilli;
}  // namespace

FaultInjector::FaultInjector(World& world, MessageServer& server, SimulatedSink& sink, MixerActor& mixer,
                             Racks& racks)
    : world_(world), server_(server), sink_(sink), mixer_(mixer), racks_(racks) {
  world_.schedule.after(world_.around(world_.plan.fault_gap), [this] { inject(); });
}

void FaultInjector::inject() {
  if (world_.calm) return;
  const Fault fault = choose();
  world_.note("faults", to_string(fault).data());
  ++faults_;
  apply(fault);
  world_.schedule.after(world_.around(world_.plan.fault_gap), [this] { inject(); });
}

Fault FaultInjector::choose() {
  const auto& weights = world_.plan.weights;
  auto left = world_.random.below(std::accumulate(weights.begin(), weights.end(), std::uint64_t{0}));
  for (std::size_t i = 0; i < kFaults; ++i) {
    if (left < weights[i]) return static_cast<Fault>(i);
    left -= weights[i];
  }
  return Fault::kKillRack;
}

RackActor& FaultInjector::some_rack() { return *racks_[world_.random.below(racks_.size())]; }

void FaultInjector::apply(Fault fault) {
  switch (fault) {
    case Fault::kKillRack:
      return kill_rack(Death::kKill);
    case Fault::kPowerLossRack:
      return kill_rack(Death::kPowerLoss);
    case Fault::kKillMixer:
      if (world_.random.below(4) == 0) return mixer_.kill();
      return mixer_.kill_after(world_.random.below(40));
    case Fault::kDiskError:
      return break_disk(some_rack());
    case Fault::kDiskFull:
      return fill_disk(some_rack());
    case Fault::kBitFlip:
      return some_rack().rot();
    case Fault::kPartition:
      return partition();
    case Fault::kServerRestart:
      return restart_server();
    case Fault::kServerWipe:
      server_.wipe();
      return restart_server();
    case Fault::kSinkDown:
      sink_.set_down(true);
      return world_.schedule.after(world_.around(kOutage), [this] { sink_.set_down(false); });
    case Fault::kSinkHalfway:
      return sink_.fail_halfway(1 + static_cast<std::uint32_t>(world_.random.below(4)));
    case Fault::kClockJump:
      return some_rack().jump_clock(world_.around(3600 * kNanosPerSecond) - 3600 * kNanosPerSecond);
    case Fault::kDivert:
      return divert(some_rack());
  }
}

void FaultInjector::kill_rack(Death death) {
  auto& rack = some_rack();
  switch (world_.random.below(8)) {
    case 0:
      return rack.die_now(death);
    case 1:
    case 2:
      return rack.die_at_bus(death, world_.random.below(12));
    default:
      return rack.die_at_disk(death, world_.random.below(40));
  }
}

void FaultInjector::break_disk(RackActor& rack) {
  using Operation = wal::MemoryDisk::Operation;
  const auto operation = static_cast<Operation>(world_.random.below(7));
  const bool full = operation == Operation::kWrite && world_.random.below(2) == 0;
  const int times = 1 + static_cast<int>(world_.random.below(3));
  world_.note(rack.actor(), "disk error at", static_cast<std::uint64_t>(operation),
              static_cast<std::uint64_t>(times));
  rack.disk().fail_next(operation, full ? ENOSPC : EIO, times);
}

void FaultInjector::fill_disk(RackActor& rack) {
  const auto free = rack.disk().free_bytes("");
  if (!free || *free < (std::uint64_t{1} << 40)) return;  // full already
  rack.fill_disk(world_.random.below(32U << 10));
  world_.schedule.after(world_.around(kOutage), [&rack] { rack.disk().set_capacity(~std::uint64_t{0}); });
}

void FaultInjector::partition() {
  const auto victim = world_.random.below(racks_.size() + 1);
  const auto set = [this, victim](bool partitioned) {
    if (victim < racks_.size())
      racks_[victim]->set_partitioned(partitioned);
    else
      mixer_.set_partitioned(partitioned);
  };
  set(true);
  world_.schedule.after(world_.around(kOutage), [set] { set(false); });
}

void FaultInjector::divert(RackActor& rack) {
  const auto stretch = world_.plan.replay_stretch;
  const auto diversion = world_.around(kDiversion);
  rack.divert(diversion, stretch);
  if (stretch == 1) return;
  const auto begin = world_.schedule.now() + diversion;
  disturb(rack, begin, begin + diversion * stretch);
}

// A refusal leaves the link in REPLAY, and what was in flight goes back; a cut ends it until the bus is back.
void FaultInjector::disturb(RackActor& rack, std::int64_t from, std::int64_t until) {
  const auto at = from + world_.around(kUndisturbed);
  if (at >= until) return;
  world_.schedule.at(at, [this, &rack, at, until] {
    if (world_.calm) return;
    const auto nanos = world_.around(kDisturbance);
    if (world_.random.below(4) == 0) {
      world_.note(rack.actor(), "is cut off while it replays");
      rack.set_partitioned(true);
      world_.schedule.after(nanos, [&rack] { rack.set_partitioned(false); });
    } else {
      server_.refuse_for(nanos);
    }
    disturb(rack, at + nanos, until);
  });
}

void FaultInjector::restart_server() {
  server_.lose_tails();
  server_.set_up(false);
  look_at_connections();
  world_.schedule.after(world_.around(kOutage / 2), [this] {
    server_.set_up(true);
    look_at_connections();
  });
}

void FaultInjector::look_at_connections() {
  mixer_.look_at_connection();
  for (const auto& rack : racks_) rack->look_at_connection();
}

void FaultInjector::calm() {
  server_.set_up(true);
  server_.refuse_for(0);
  sink_.set_down(false);
  sink_.fail_halfway(0);
  mixer_.set_partitioned(false);
  for (const auto& rack : racks_) rack->calm();
  look_at_connections();
}

}  // namespace fluxrig::sim
