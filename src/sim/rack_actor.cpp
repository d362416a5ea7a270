#include "sim/rack_actor.hpp"

#include <algorithm>
#include <limits>

namespace fluxrig::sim {
namespace {

constexpr std::array<const char*, 2> kActors = {"rack-0", "rack-1"};
constexpr std::int64_t kNoTurn = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kWake = 500 * kNanosPerMicro;  // mean; a thread gets to run
constexpr std::int64_t kMetricsEvery = 2 * kNanosPerSecond;
constexpr std::int64_t kLookAtLedgerEvery = kNanosPerSecond;  // rack::PumpThread
constexpr std::int64_t kRetryBlocked = 100 * kNanosPerMilli;  // rack::PumpThread

}  // namespace

RackActor::RackActor(World& world, MessageServer& server, std::size_t number, SimulatedBus::Answer mixer)
    : world_(world),
      server_(server),
      mixer_(std::move(mixer)),
      number_(number),
      name_(kActors.at(number)),
      actor_(kActors.at(number)),
      machine_id_(make_machine_id(world.random)) {
  (void)disk_.make_directory("data");
  world_.schedule.after(world_.around(world_.plan.transaction_gap), [this] { generate(); });
}

void RackActor::start() {
  if (process_ != nullptr) return;
  ++incarnation_;
  pump_at_ = link_at_ = kNoTurn;
  was_full_ = is_full();
  const RackProcess::Parts parts{world_,
                                 server_,
                                 mixer_,
                                 disk_,
                                 "data",
                                 machine_id_,
                                 name_,
                                 std::string(kActors.at(number_ ^ 1U)) + ".post",
                                 number_,
                                 incarnation_,
                                 wall_offset_,
                                 [this] { worked(); },
                                 [this] { pump_after(world_.around(kWake)); },
                                 [this] { link_after(world_.around(kWake)); }};
  process_ = std::make_unique<RackProcess>(parts);
  look_at_cuts(false);
  const auto opened = process_->open(parts);
  world_.note(actor_, opened ? "starts" : "cannot start", disk_.operations());
  excuse_forgotten_ends();
  if (process_->audit) take_recovery(process_->audit->writer().recovered());
  if (disk_.stopped()) return die();
  if (!opened) {
    process_.reset();
    disk_.kill();
    return world_.schedule.after(world_.around(300 * kNanosPerMilli), [this] { start(); });
  }
  look_at_cuts(true);
  process_->event("fluxrig.rack.started");
  if (world_.random.below(4) == 0) check_disk();
  look_at_connection();
  pump_after(0);
  link_after(world_.around(kWake));
  force_state();
}

void RackActor::die_now(Death death) {
  if (process_ == nullptr) return;
  death_ = death;
  die();
}

void RackActor::die_at_disk(Death death, std::uint64_t operations) {
  death_ = death;
  disk_.stop_after(operations);
}

void RackActor::die_at_bus(Death death, std::uint64_t operations) {
  if (process_ == nullptr) return;
  death_ = death;
  process_->bus.die_after(operations);
}

void RackActor::look_for_death() {
  if (process_ != nullptr && (disk_.stopped() || process_->bus.dead())) die();
}

void RackActor::die() {
  world_.note(actor_, death_ == Death::kKill ? "is killed" : "loses power", disk_.operations());
  ++deaths_;
  world_.oracle.died({number_, incarnation_}, process_->safe_until);
  if (process_->counted_audit) process_->counted_audit->died();
  ++incarnation_;
  // What it still does on its way out must not reach the disk.
  disk_.stop_after(0);
  process_->bus.die();
  if (process_->audit)
    unsynced_[process_->audit->writer().epoch()] = {process_->audit->last_synced().value + 1};
  if (process_->link) {
    world_.telemetry.check(
        machine_id_, process_->audit->writer().epoch(),
        {process_->counted.produced(), process_->telemetry.accepted(), true, &process_->drops});
  }
  const std::uint64_t kept = process_->backlog ? process_->backlog->blocks() : 0;
  process_.reset();
  if (death_ == Death::kPowerLoss)
    disk_.crash(world_.random);
  else
    disk_.kill();
  take_survivors(death_ == Death::kKill ? kept : 0);
  // The next one may die while it starts.
  if (!world_.calm && world_.random.below(4) == 0)
    die_at_disk(world_.plan.rots() || world_.random.below(2) == 0 ? Death::kKill : Death::kPowerLoss,
                world_.random.below(30));
  world_.schedule.after(world_.around(50 * kNanosPerMilli), [this] { start(); });
}

void RackActor::set_partitioned(bool partitioned) {
  partitioned_ = partitioned;
  look_at_connection();
}

void RackActor::look_at_connection() {
  if (process_ == nullptr) return;
  const bool was = process_->bus.connected();
  if (server_.up() && !partitioned_)
    process_->bus.connect();
  else
    process_->bus.disconnect();
  if (was == process_->bus.connected()) return;
  process_->connection_changed.store(true);
  link_after(world_.around(kWake));
}

void RackActor::jump_clock(std::int64_t nanos) {
  wall_offset_ += nanos;
  if (process_ != nullptr) process_->clock.jump(nanos);
}

void RackActor::divert(std::int64_t nanos, std::uint32_t replay_stretch) {
  divert_until_ = world_.schedule.now() + nanos;
  replay_until_ = divert_until_ + nanos * replay_stretch;
  force_state();
  world_.schedule.at(divert_until_, [this] { force_state(); });
}

void RackActor::force_state() {
  const std::int64_t now = world_.schedule.now();
  if (process_ == nullptr || now >= replay_until_) return;
  const bool divert = now < divert_until_;
  const std::int64_t left = (divert ? divert_until_ : replay_until_) - now;
  process_->link->force(
      pressure::Forced{divert ? model::PressureState::kDivert : model::PressureState::kReplay,
                       {process_->clock.monotonic().value + left}});
  link_after(world_.around(kWake));
}

void RackActor::calm() {
  disk_.calm();
  set_partitioned(false);
  divert_until_ = replay_until_ = 0;
  if (process_ != nullptr) process_->link->force(std::nullopt);
}

// --- business ---

void RackActor::generate() {
  if (world_.calm) return;
  if (process_ != nullptr) {
    // Mostly one, sometimes a burst that fills the ring.
    std::uint64_t count = world_.random.below(32) == 0 ? 40 : 1;
    while (count-- != 0) process_->shop->sell(world_.chance(world_.plan.posts) ? Shop::kPost : Shop::kBank);
    process_->loop.poke();
    worked();
  }
  world_.schedule.after(world_.around(world_.plan.transaction_gap), [this] { generate(); });
}

// Whatever ran may have been its last, or has left something in the ring.
void RackActor::worked() {
  look_for_death();
  if (process_ != nullptr && !process_->ring.empty()) pump_after(world_.around(kWake));
}

// --- the pump's loop ---

void RackActor::pump_after(std::int64_t delay) {
  const std::int64_t at = world_.schedule.now() + delay;
  if (pump_at_ <= at) return;
  pump_at_ = at;
  world_.schedule.at(at, [this, number = ++pump_turns_, incarnation = incarnation_] {
    if (incarnation != incarnation_ || number != pump_turns_ || process_ == nullptr) return;
    pump_at_ = kNoTurn;
    process_->in_interval ? finish_interval() : pump_turn();
    look_for_death();
  });
}

void RackActor::note_blocked(bool blocked) {
  if (process_->blocked == blocked) return;
  process_->blocked = blocked;
  process_->admission.audit_blocked.store(blocked);
  world_.note(actor_, blocked ? "refuses work" : "takes work again");
}

void RackActor::pump_turn() {
  auto& process = *process_;
  process.ticks.anchor();
  const auto progress = process.pump->step(world_.plan.commit);
  note_blocked(progress.blocked);
  if (!progress.blocked && !world_.plan.commit && process.pump->unsynced()) {
    process.in_interval = true;
    return pump_after(progress.records != 0 ? world_.plan.interval : 0);
  }
  if (!progress.blocked) sync_unawaited();
  publish_durable();
  const std::int64_t now = process.clock.monotonic().value;
  if (now - process.ledger_at >= kLookAtLedgerEvery) {
    process.ledger_at = now;
    if (!process.stated_last) (void)process.state_ledger(lane::TelemetryLedger::Occasion::kRunning);
  }
  if (now - process.metrics_at >= kMetricsEvery && !process.stated_last) {
    process.metrics_at = now;
    process.pump->emit_sum({"fluxrig.rack.transactions", "{transaction}", process.pump->transactions()});
  }
  const bool more = process.audit->housekeep();
  if (process.audit->take_news() || progress.records != 0) process.link->work_arrived();
  if (process.blocked) return pump_after(kRetryBlocked);
  if (more || process.pump->has_work()) return pump_after(world_.around(kWake));
  std::int64_t rest = process.unsynced_at >= 0 ? world_.plan.interval : world_.around(kMetricsEvery);
  if (const auto due = process.audit->due()) rest = std::min(rest, due->value - now);
  pump_after(std::max(rest, kWake));
}

// As PumpThread does with commit: intents that nobody waits for get a sync of their own after the interval.
void RackActor::sync_unawaited() {
  auto& process = *process_;
  const std::int64_t now = world_.schedule.now();
  if (!process.pump->unsynced()) {
    process.unsynced_at = -1;
  } else if (process.unsynced_at < 0) {
    process.unsynced_at = now;
  } else if (now - process.unsynced_at >= world_.plan.interval) {
    process.unsynced_at = -1;
    if (!process.pump->sync()) note_blocked(true);
  }
}

void RackActor::finish_interval() {
  auto& process = *process_;
  process.in_interval = false;
  note_blocked(process.pump->step(false).blocked);
  if (!process.pump->sync()) note_blocked(true);
  publish_durable();
  (void)process.audit->housekeep();
  process.link->work_arrived();
  pump_after(process.blocked ? kRetryBlocked : world_.around(kWake));
}

void RackActor::publish_durable() {
  auto& process = *process_;
  if (process.dead()) return;  // within this event
  if (!process.pump->unsynced() && !process.pump->has_work()) process.safe_until = world_.schedule.now();
  process.runtime->publish_durable(process.pump->durable());
  process.loop.poke();
}

// --- the link's loop ---

void RackActor::link_after(std::int64_t delay) {
  const std::int64_t at = world_.schedule.now() + delay;
  if (link_at_ <= at) return;
  link_at_ = at;
  world_.schedule.at(at, [this, number = ++link_turns_, incarnation = incarnation_] {
    if (incarnation != incarnation_ || number != link_turns_ || process_ == nullptr) return;
    link_at_ = kNoTurn;
    link_turn();
    look_for_death();
  });
}

void RackActor::link_turn() {
  auto& link = *process_->link;
  link.turn(world_.calm);
  if (link.has_news()) return link_after(world_.around(kWake));
  link_after(std::max(link.next_due() - process_->clock.monotonic().value, kNanosPerMilli));
}

}  // namespace fluxrig::sim
