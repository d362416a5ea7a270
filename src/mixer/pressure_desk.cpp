#include "mixer/pressure_desk.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sanitize/clean_message.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::mixer {
namespace {

using pressure::PressureCause;

// Racks that are gone are not reported, so there is nobody to remember between two rounds.
pressure::FleetBudget::Options budget_options(pressure::FleetBudget::Options options) {
  options.forget_after = 0;
  options.round = PressureDesk::kLeaseEvery;
  return options;
}

bool is_stored(std::string_view stream) {
  return stream == snake::kStreamAudit || stream == snake::kStreamTelemetry;
}

std::string figure_text(const pressure::Sensor::Reading& reading) {
  switch (reading.cause) {
    case PressureCause::kSinkErrors:
      return fmt::format("the store has refused commits for {:.1f} s", reading.figure);
    case PressureCause::kCommitLatency:
      return fmt::format("a commit takes {:.1f} times its target", reading.figure);
    case PressureCause::kQueueDepth:
      return fmt::format("{:.0f} s of work wait in the streams", reading.figure);
    case PressureCause::kStreamFill:
      return fmt::format("a stream is {:.0f} % full", 100 * reading.figure);
    case PressureCause::kDisk:
      return fmt::format("free disk space is {:.2f} times scarcer than it should be", reading.figure);
    case PressureCause::kMemory:
      return fmt::format("free memory is {:.2f} times scarcer than it should be", reading.figure);
    case PressureCause::kExport:
      return fmt::format("the export's queue is {:.0f} % full", 100 * reading.figure);
    default:
      return "everything is as it should be";
  }
}

constexpr std::array<std::string_view, 4> kMeanings{
    "racks send live, and their backlogs", "racks send less (RESTRICT)",
    "racks keep their telemetry (DIVERT)",
    "racks keep their telemetry (DIVERT), and the mixer itself is in danger"};

}  // namespace

PressureDesk::PressureDesk(Parts parts, Options options)
    : parts_(std::move(parts)),
      options_(options),
      started_(parts_.clock.now()),
      sensor_(options.sensor),
      budget_(budget_options(options.budget)) {
  standing_.started = started_;
}

void PressureDesk::greet(const MachineId& machine) {
  const std::lock_guard lock(mutex_);
  greeted_.insert(machine);
}

PressureStanding PressureDesk::standing() const {
  const std::lock_guard lock(mutex_);
  return standing_;
}

void PressureDesk::turn() {
  const auto now = parts_.clock.monotonic();
  const bool risen = sense(now);
  if (risen || !shared_at_ || now.value - shared_at_->value >= kLeaseEvery) {
    shared_at_ = now;
    share(now);
    tell_all(risen);
  } else {
    tell_new();
  }
  note_standing();
}

bool PressureDesk::sense(MonotonicNanos now) {
  const auto before = sensor_.reading().level;
  const auto reading = sensor_.look(look(now), now);
  if (reading.level == before) return false;
  const bool risen = reading.level > before;
  parts_.diagnostics.line(risen ? Severity::kWarn : Severity::kInfo, "mixer.pressure",
                          fmt::format("level {} -> {}: {}", before, reading.level, kMeanings[reading.level]),
                          {{"cause", std::string(name_of(reading.cause))}, {"why", figure_text(reading)}});
  return risen;
}

pressure::MixerFigures PressureDesk::look(MonotonicNanos now) {
  if (!host_at_ || now.value - host_at_->value >= kHostEvery) {
    host_at_ = now;
    const auto scarce = [](const std::optional<Room>& room, std::uint64_t wanted) -> std::optional<double> {
      if (!room) return std::nullopt;
      return pressure::scarcity(room->free, room->total, wanted);
    };
    disk_scarcity_ = scarce(parts_.disk(), options_.least_free_disk);
    memory_scarcity_ = scarce(parts_.memory(), options_.least_free_memory);
  }
  const auto sink = parts_.sink.figures(now);
  const auto streams = parts_.streams();
  pressure::MixerFigures figures;
  figures.sink_failing_seconds = sink.failing_seconds;
  figures.commit_over_target =
      static_cast<double>(sink.commit_nanos) / static_cast<double>(options_.commit_target_nanos);
  figures.disk_scarcity = disk_scarcity_;
  figures.memory_scarcity = memory_scarcity_;
  if (parts_.exporting) {
    const auto fill = parts_.exporting();
    figures.export_saturation = export_gauge_.look(fill.saturation, fill.taken, now);
  }
  for (const auto& stream : streams)
    if (is_stored(stream.name) && stream.max_bytes != 0)
      figures.stream_fill =
          std::max(figures.stream_fill.value_or(0),
                   static_cast<double>(stream.bytes) / static_cast<double>(stream.max_bytes));
  if (!streams.empty()) figures.queue_seconds = queue_seconds(streams, sink.bytes_per_s);
  return figures;
}

// The least of the last looks: a burst that is gone with the next one is no queue, and what is stored leaves
// a stream only with the look after that.
std::optional<double> PressureDesk::queue_seconds(const std::vector<StreamFill>& streams,
                                                  double store_bytes_per_s) {
  std::uint64_t waiting = 0;
  for (const auto& stream : streams)
    if (is_stored(stream.name)) waiting += stream.bytes;
  waiting_bytes_[looks_++ % waiting_bytes_.size()] = waiting;
  if (looks_ < waiting_bytes_.size()) return std::nullopt;
  const auto least = *std::min_element(waiting_bytes_.begin(), waiting_bytes_.end());
  const double speed = std::max(store_bytes_per_s, static_cast<double>(budget_.capacity_bytes_per_s()));
  return static_cast<double>(least) / speed;
}

void PressureDesk::share(MonotonicNanos now) {
  for (const auto& rack : parts_.presence.present(parts_.clock.now())) {
    pressure::RackDemand demand;
    if (rack.pressure)
      demand = {rack.pressure->backlog_bytes, rack.pressure->live_bytes_per_s,
                rack.pressure->replay_bytes_per_s};
    budget_.report(rack.machine_id, demand, now);
  }
  auto round = parts_.sink.take_round(now);
  round.level = sensor_.reading().level;
  budget_.observe(round);
  budget_.share(round.level, now);
}

void PressureDesk::tell_all(bool risen) {
  if (!parts_.bus.connected()) return;  // leases end by themselves
  // First the few bytes that reach everybody, those who are not known yet included.
  if (risen) {
    const auto racks = std::max<std::size_t>(budget_.totals().racks, 1);
    if (!publish(std::string(snake::kPressureForAll), {0, budget_.capacity_bytes_per_s() / racks})) return;
  }
  {
    const std::lock_guard lock(mutex_);
    greeted_.clear();
  }
  bool reached = true;
  budget_.for_each([&](const MachineId& machine, const pressure::RackGrant& grant) {
    reached = reached && publish(snake::pressure_subject(machine), grant);
  });
}

void PressureDesk::tell_new() {
  std::set<MachineId> greeted;
  {
    const std::lock_guard lock(mutex_);
    greeted.swap(greeted_);
  }
  for (const auto& machine : greeted)
    if (!publish(snake::pressure_subject(machine), budget_.grant(machine))) return;
}

bool PressureDesk::publish(const std::string& subject, const pressure::RackGrant& grant) {
  const auto& reading = sensor_.reading();
  model::PressureLease lease;
  lease.mixer_started = started_;
  lease.sequence = ++sequence_;
  lease.level = reading.level;
  lease.cause = reading.cause;
  lease.replay_bytes_per_s = grant.replay_bytes_per_s;
  lease.lease_ms = options_.lease_ms;
  lease.pace_bytes_per_s = grant.pace_bytes_per_s;
  return parts_.bus.publish(subject, sanitize::clean_message(lease)).has_value();
}

void PressureDesk::note_standing() {
  const auto& reading = sensor_.reading();
  const auto& totals = budget_.totals();
  const std::lock_guard lock(mutex_);
  standing_.level = reading.level;
  standing_.cause = reading.cause;
  standing_.figure = reading.figure;
  standing_.changes = sensor_.changes();
  standing_.leases = sequence_;
  standing_.capacity_bytes_per_s = budget_.capacity_bytes_per_s();
  standing_.racks = totals.racks;
  standing_.live_bytes_per_s = totals.live_bytes_per_s;
  standing_.backlog_bytes = totals.backlog_bytes;
  standing_.replay_bytes_per_s = totals.replay_bytes_per_s;
}

}  // namespace fluxrig::mixer
