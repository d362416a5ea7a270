#include "sim/simulation.hpp"

#include <fmt/format.h>

#include <memory>
#include <vector>

#include "sim/fault_injector.hpp"

namespace fluxrig::sim {
namespace {

// How long everything may take to come to rest once the faults have stopped: several times the longest
// patience of any part of it (30 s until a rack sends again).
constexpr std::int64_t kDrainLimit = 600 * kNanosPerSecond;
constexpr std::uint64_t kDrainEvents = 1'000'000;

class Simulation {
 public:
  Simulation(const Plan& plan, const RunOptions& options)
      : plan_(plan),
        random_(plan.seed),
        schedule_(clock_, random_),
        world_{plan_, clock_, random_, schedule_, journal_, oracle_, messages_, telemetry_, losses_},
        server_(world_),
        sink_(world_) {
    if (options.print_events) journal_.print_all();
    for (std::size_t i = 0; i < plan.racks; ++i)
      racks_.push_back(std::make_unique<RackActor>(
          world_, server_, i,
          [this](std::string_view subject, ByteView payload) { return mixer_->answer(subject, payload); }));
    mixer::RackIndex::Names names;
    for (const auto& rack : racks_) names[rack->machine_id()] = rack->name();
    mixer_ = std::make_unique<MixerActor>(world_, server_, sink_, names);
    injector_ = std::make_unique<FaultInjector>(world_, server_, sink_, *mixer_, racks_);
  }

  RunResult run() {
    mixer_->start();
    for (const auto& rack : racks_) rack->start();
    while (events_ < plan_.steps && !oracle_.broken() && step()) {
    }
    world_.calm = true;
    injector_->calm();
    if (!oracle_.broken()) drain();
    if (!oracle_.broken()) check();
    return result();
  }

 private:
  bool step() {
    ++events_;
    return schedule_.run_one();
  }

  [[nodiscard]] bool at_rest() const {
    for (const auto& rack : racks_)
      if (!rack->settled()) return false;
    if (!mixer_->idle() || server_.waiting() != 0 || messages_.outstanding() != 0) return false;
    bool said = true;
    for (const auto& rack : racks_) said = rack->state_the_last() && said;
    return said;
  }

  void drain() {
    const std::int64_t give_up = schedule_.now() + kDrainLimit;
    for (std::uint64_t i = 0; i < kDrainEvents && schedule_.now() < give_up; ++i) {
      if (at_rest() || oracle_.broken()) return;
      if (!step()) break;
    }
    std::string state = fmt::format("the server holds {} messages, {}", server_.waiting(), messages_.state());
    for (const auto& rack : racks_) state += fmt::format(", {} {}", rack->name(), rack->state());
    if (!mixer_->idle()) state += ", the mixer has not committed";
    oracle_.fail("everything drains", state);
  }

  void check() {
    for (const auto& rack : racks_) {
      rack->check_telemetry();
      rack->check_disk();
      rack->check_rots(sink_.audit());
      rack->read_losses();
    }
    for (const auto& [id, alarm] : sink_.audit().open) check_alarm(alarm);
    telemetry_.check_end(losses_.declared_count() == 0 ? TelemetryLedger::Statements::kComplete
                                                       : TelemetryLedger::Statements::kSomeLost);
    messages_.check_end();
    if (!plan_.rots()) losses_.check_end();  // a declaration may rot as well
    oracle_.check_end(plan_.promises(), sink_.in_doubt());
  }

  // Nobody tampers here: what the mixer calls so is a false alarm.
  void check_alarm(const sink::AuditAlarm& alarm) {
    if (sink::is_notice(alarm.kind)) return;
    for (const auto& rack : racks_)
      if (rack->machine_id() == alarm.stream.machine_id && !rack->excused(alarm))
        oracle_.fail("no false alarm",
                     fmt::format("{}: {}: {}, epoch {} sequence {}", rack->name(), to_string(alarm.kind),
                                 alarm.what, alarm.stream.epoch.value, alarm.first.value));
  }

  RunResult result() const {
    RunResult result;
    result.events = events_;
    result.deaths = mixer_->deaths();
    for (const auto& rack : racks_) result.deaths += rack->deaths();
    result.faults = injector_->faults();
    result.answered = oracle_.answered_count();
    result.stored = oracle_.stored_count();
    result.departed = oracle_.departed_count();
    result.in_doubt = sink_.in_doubt().size();
    result.messages = messages_.accepted_count();
    result.dead_letters = messages_.dead_letters();
    result.declared_losses = losses_.declared_count();
    result.telemetry_survivors = telemetry_.survivors();
    result.telemetry_named = telemetry_.named_count();
    result.telemetry_again = telemetry_.again_count();
    result.leases = mixer_->leases();
    result.digest = journal_.digest();
    result.seconds = static_cast<double>(schedule_.now()) / 1e9;
    result.broken = oracle_.broken();
    if (result.broken) result.last_events = journal_.last();
    return result;
  }

  Plan plan_;
  SeededRandom random_;
  ManualClock clock_;
  Journal journal_;
  Oracle oracle_;
  MessageLedger messages_{oracle_};
  TelemetryLedger telemetry_{oracle_};
  LossLedger losses_{oracle_};
  Schedule schedule_;
  World world_;
  MessageServer server_;
  SimulatedSink sink_;
  FaultInjector::Racks racks_;
  std::unique_ptr<MixerActor> mixer_;
  std::unique_ptr<FaultInjector> injector_;
  std::uint64_t events_ = 0;
};

}  // namespace

RunResult run(const Plan& plan, const RunOptions& options) { return Simulation(plan, options).run(); }

}  // namespace fluxrig::sim
