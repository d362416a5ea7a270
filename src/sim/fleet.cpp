#include "sim/fleet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "sim/fleet_mixer.hpp"
#include "sim/fleet_rack.hpp"

namespace fluxrig::sim {
namespace {

constexpr std::int64_t kLookEvery = 10 * kNanosPerSecond;
// A rack's memory: the live queues of a few seconds, and the tunnel's window with one message over it.
constexpr std::uint64_t kMemoryLimit = (8U << 20) + (1U << 20);
constexpr std::int64_t kAfterwards = 60 * kNanosPerSecond;  // without a backlog, until the run ends

class Fleet {
 public:
  Fleet(const FleetPlan& plan, const FleetWatch& watch);
  FleetResult run();

 private:
  void handle(const FleetEvent& event);
  void handle_mixer(const FleetEvent& event);
  void plan_outages();
  void all_link(bool up);
  void look();
  void check_bytes(const FleetBytes& held);
  [[nodiscard]] bool done() const;
  FleetResult result() const;

  const FleetPlan& plan_;
  const FleetWatch& watch_;
  SeededRandom random_;
  FleetEvents events_;
  FleetChecks checks_;
  FleetMixer mixer_;
  std::vector<std::unique_ptr<FleetRack>> racks_;
  std::uint64_t backlog_ = 1;  // as of the last look
  std::uint64_t most_backlog_ = 0;
  std::uint64_t most_memory_ = 0;
  std::int64_t mostly_drained_at_ = -1;
  std::int64_t drained_at_ = -1;
  std::int64_t looked_at_ = 0;
  std::uint64_t digest_ = 0xcbf29ce484222325U;
};

Fleet::Fleet(const FleetPlan& plan, const FleetWatch& watch)
    : plan_(plan),
      watch_(watch),
      random_(plan.seed),
      checks_(plan),
      mixer_({plan, events_, checks_,
              [this](const FleetMessage& message) { racks_[message.rack]->stored(message); },
              [this](std::uint32_t rack) {
                events_.at(events_.now() + racks_[rack]->one_way(),
                           {.kind = FleetEventKind::kLease, .rack = rack});
              },
              [this] { return events_.now() >= plan_.outage.end() && drained_at_ < 0; }}) {
  for (std::uint32_t i = 0; i < plan.racks.size(); ++i)
    racks_.push_back(
        std::make_unique<FleetRack>(FleetRack::Parts{plan, events_, checks_, mixer_, random_}, i));
  events_.at(0, {.kind = FleetEventKind::kMixerTurn});
  plan_outages();
}

// The slot says which: 1 all racks, 0 this one.
void Fleet::plan_outages() {
  events_.at(plan_.outage.at, {.kind = FleetEventKind::kLinkDown, .slot = 1});
  events_.at(plan_.outage.end(), {.kind = FleetEventKind::kLinkUp, .slot = 1});
  for (std::uint32_t i = 0; i < plan_.racks.size(); ++i) {
    for (const auto& outage : plan_.racks[i].outages) {
      events_.at(outage.at, {.kind = FleetEventKind::kLinkDown, .rack = i});
      events_.at(outage.end(), {.kind = FleetEventKind::kLinkUp, .rack = i});
    }
  }
}

FleetResult Fleet::run() {
  while (const auto event = events_.next()) {
    digest_ = (digest_ ^ static_cast<std::uint64_t>(event->time)) * 0x100000001b3U;
    digest_ = (digest_ ^ (std::uint64_t{event->rack} << 8U | static_cast<std::uint64_t>(event->kind))) *
              0x100000001b3U;
    handle(*event);
    if (events_.now() - looked_at_ >= kLookEvery) look();
    if (checks_.broken() || done()) break;
  }
  checks_.finish(events_.now());
  return result();
}

void Fleet::handle(const FleetEvent& event) {
  FleetRack& rack = *racks_[event.rack];
  switch (event.kind) {
    case FleetEventKind::kTick:
      return rack.tick();
    case FleetEventKind::kWake:
      return rack.wake(event.generation);
    case FleetEventKind::kArrive:
      return rack.arrive(event.slot, event.generation);
    case FleetEventKind::kAcknowledge:
      return rack.acknowledge(event.slot, event.generation);
    case FleetEventKind::kLease:
      return rack.take_lease(mixer_.lease(event.rack));
    case FleetEventKind::kNoticed:
      return rack.notice();
    case FleetEventKind::kLinkDown:
      return event.slot == 1 ? all_link(false) : rack.link_down();
    case FleetEventKind::kLinkUp:
      return event.slot == 1 ? all_link(true) : rack.link_up();
    default:
      return handle_mixer(event);
  }
}

void Fleet::handle_mixer(const FleetEvent& event) {
  if (event.kind == FleetEventKind::kMixerWork) return mixer_.work();
  if (event.kind == FleetEventKind::kCommitted) return mixer_.committed();
  mixer_.turn();
  events_.at(events_.now() + FleetMixer::kTurnEvery, {.kind = FleetEventKind::kMixerTurn});
}

void Fleet::all_link(bool up) {
  if (plan_.kind == FleetOutageKind::kSink) return mixer_.set_store(up);
  mixer_.set_bus(up);
  for (const auto& rack : racks_) up ? rack->link_up() : rack->link_down();
}

void Fleet::look() {
  looked_at_ = events_.now();
  FleetSample sample;
  FleetBytes held = mixer_.waiting();
  backlog_ = 0;
  for (const auto& rack : racks_) {
    backlog_ += rack->backlog_bytes();
    const auto own = rack->held();
    for (std::size_t at = 0; at < kFleetLanes; ++at) held[at] += own[at];
    most_memory_ = std::max(most_memory_, rack->memory_bytes());
    ++sample.racks[static_cast<std::size_t>(rack->state())];
  }
  most_backlog_ = std::max(most_backlog_, backlog_);
  check_bytes(held);
  const bool back = events_.now() > plan_.outage.end();
  if (back && mostly_drained_at_ < 0 && backlog_ * 100 <= most_backlog_) mostly_drained_at_ = events_.now();
  if (!back || backlog_ > 0) drained_at_ = -1;
  if (back && backlog_ == 0 && drained_at_ < 0) drained_at_ = events_.now();
  if (!watch_) return;
  sample.seconds = static_cast<double>(events_.now()) / kNanosPerSecond;
  sample.backlog_megabytes = static_cast<double>(backlog_) / 1e6;
  sample.stored_megabytes = static_cast<double>(mixer_.stored()[0] + mixer_.stored()[1]) / 1e6;
  sample.waiting_megabytes = static_cast<double>(mixer_.waiting_bytes()) / 1e6;
  sample.capacity_megabytes_per_s = checks_.capacity(events_.now()) / 1e6;
  watch_(sample);
}

void Fleet::check_bytes(const FleetBytes& held) {
  FleetBytes produced{}, dropped{};
  for (const auto& rack : racks_) {
    for (std::size_t at = 0; at < kFleetLanes; ++at) {
      produced[at] += rack->produced()[at];
      dropped[at] += rack->dropped()[at];
    }
  }
  for (std::size_t at = 0; at < kFleetLanes; ++at) {
    const std::uint64_t found = mixer_.stored()[at] + dropped[at] + held[at];
    if (found != produced[at])
      checks_.fail("produced = stored + dropped + held",
                   fmt::format("lane P{}: {} bytes produced, {} found", at + 1, produced[at], found),
                   events_.now());
  }
  if (dropped[0] != 0)
    checks_.fail("P1 is never dropped", fmt::format("{} bytes", dropped[0]), events_.now());
  if (most_memory_ > kMemoryLimit)
    checks_.fail("memory is bounded", fmt::format("{} bytes in one rack", most_memory_), events_.now());
  if (mixer_.waiting_bytes() > plan_.stream_bytes + 2 * plan_.batch_bytes)
    checks_.fail("memory is bounded", fmt::format("{} bytes at the mixer", mixer_.waiting_bytes()),
                 events_.now());
  if (events_.now() > plan_.deadline)
    checks_.fail("every backlog ends", fmt::format("{} bytes are left", backlog_), events_.now());
}

// Nothing is left, every rack is calm, and nothing more was planned.
bool Fleet::done() const {
  if (drained_at_ < 0 || events_.now() - drained_at_ < kAfterwards) return false;
  const bool calm = std::all_of(racks_.begin(), racks_.end(), [](const auto& rack) {
    return rack->state() == pressure::PressureState::kNormal && rack->reachable();
  });
  return calm && events_.now() > plan_.capacity.back().at;
}

FleetResult Fleet::result() const {
  FleetResult result;
  result.events = events_.made();
  result.digest = digest_;
  result.seconds = static_cast<double>(events_.now()) / kNanosPerSecond;
  const auto after = [this](std::int64_t at) {
    return at < 0 ? 0 : static_cast<double>(at - plan_.outage.end()) / kNanosPerSecond;
  };
  result.mostly_drained_seconds = after(mostly_drained_at_);
  result.drained_seconds = after(drained_at_);
  result.backlog_megabytes = static_cast<double>(most_backlog_) / 1e6;
  result.memory_kilobytes = static_cast<double>(most_memory_) / 1e3;
  double lowest = plan_.capacity.front().bytes_per_s;
  for (const auto& change : plan_.capacity) lowest = std::min(lowest, change.bytes_per_s);
  result.waiting_seconds = static_cast<double>(mixer_.highest_waiting()) / lowest;
  for (const auto& rack : racks_) {
    for (std::size_t at = 0; at < kFleetLanes; ++at) {
      result.produced[at] += rack->produced()[at];
      result.dropped[at] += rack->dropped()[at];
    }
  }
  result.stored = mixer_.stored();
  result.figures = checks_.figures();
  result.broken = checks_.broken();
  return result;
}

}  // namespace

FleetResult run_fleet(const FleetPlan& plan, const FleetWatch& watch) { return Fleet(plan, watch).run(); }

}  // namespace fluxrig::sim
