#include "sim/fleet_mixer.hpp"

#include <algorithm>
#include <utility>

namespace fluxrig::sim {
namespace {

MachineId machine_of(std::uint32_t rack) {
  MachineId id;
  store_be32(id.bytes.data() + 12, rack + 1);
  return id;
}

std::uint32_t rack_of(const MachineId& id) { return load_be32(id.bytes.data() + 12) - 1; }

}  // namespace

FleetMixer::FleetMixer(Parts parts) : parts_(std::move(parts)) {}

bool FleetMixer::offer(const FleetMessage& message) {
  const std::int64_t now = parts_.events.now();
  parts_.checks.arrived(message.bytes, now);
  if (stream_bytes_ + message.bytes > parts_.plan.stream_bytes) return false;
  stream_.push_back(message);
  stream_bytes_ += message.bytes;
  waiting_[index_of(message.lane)] += message.bytes;
  highest_waiting_ = std::max(highest_waiting_, waiting_bytes());
  plan_work(stream_bytes_ >= parts_.plan.batch_bytes ? now : began_ + kBatchEvery);
  return true;
}

void FleetMixer::report(std::uint32_t rack, const pressure::RackDemand& demand) {
  budget_.report(machine_of(rack), demand, {parts_.events.now()});
}

void FleetMixer::turn() {
  const std::int64_t now = parts_.events.now();
  const auto before = sensor_.reading().level;
  const bool risen = sensor_.look(look(now), {now}).level > before;
  if (!risen && now - shared_at_ < kLeaseEvery) return;
  shared_at_ = now;
  share(now);
  if (!bus_up_) return;
  budget_.for_each(
      [&](const MachineId& machine, const pressure::RackGrant&) { parts_.send_lease(rack_of(machine)); });
}

void FleetMixer::share(std::int64_t now) {
  pressure::SinkRound round;
  round.now = {now};
  round.taken_bytes = std::exchange(taken_, 0);
  round.busy_nanos = std::exchange(busy_, 0);
  round.batch_fill = batches_ == 0 ? 0 : fill_ / static_cast<double>(batches_);
  round.level = sensor_.reading().level;
  fill_ = 0;
  batches_ = 0;
  budget_.observe(round);
  budget_.share(round.level, {now});
}

model::PressureLease FleetMixer::lease(std::uint32_t rack) {
  const auto grant = budget_.grant(machine_of(rack));
  model::PressureLease lease;
  lease.mixer_started = {1};
  lease.sequence = ++sequence_;
  lease.level = sensor_.reading().level;
  lease.cause = sensor_.reading().cause;
  lease.replay_bytes_per_s = grant.replay_bytes_per_s;
  lease.pace_bytes_per_s = grant.pace_bytes_per_s;
  lease.lease_ms = kLeaseMs;
  return lease;
}

pressure::MixerFigures FleetMixer::look(std::int64_t now) {
  pressure::MixerFigures figures;
  figures.sink_failing_seconds =
      failing_since_ < 0 ? 0 : std::max(static_cast<double>(now - failing_since_) / kNanosPerSecond, 1e-3);
  std::int64_t slowest = committing_ ? now - began_ : 0;
  for (const auto& commit : commits_)
    if (commit.nanos > 0 && now - commit.at <= kCommitAge) slowest = std::max(slowest, commit.nanos);
  figures.commit_over_target = static_cast<double>(slowest) / kCommitTarget;
  figures.queue_seconds = queue_seconds();
  figures.stream_fill = static_cast<double>(waiting_bytes()) / static_cast<double>(parts_.plan.stream_bytes);
  return figures;
}

// The least of the last looks, as PressureDesk has it.
double FleetMixer::queue_seconds() {
  looks_[look_++ % looks_.size()] = waiting_bytes();
  std::int64_t busy = 0;
  std::uint64_t bytes = 0;
  for (const auto& commit : commits_) {
    busy += commit.nanos;
    bytes += commit.bytes;
  }
  const double speed =
      busy > 0 ? static_cast<double>(bytes) * kNanosPerSecond / static_cast<double>(busy) : 0;
  return static_cast<double>(*std::min_element(looks_.begin(), looks_.end())) /
         std::max(speed, static_cast<double>(budget_.capacity_bytes_per_s()));
}

void FleetMixer::plan_work(std::int64_t at) {
  if (committing_ || planned_) return;
  planned_ = true;
  parts_.events.at(at, {.kind = FleetEventKind::kMixerWork});
}

void FleetMixer::work() {
  planned_ = false;
  if (committing_) return;
  const std::int64_t now = parts_.events.now();
  while (!stream_.empty() && batch_bytes_ < parts_.plan.batch_bytes) {
    const auto& message = stream_.front();
    stream_bytes_ -= message.bytes;
    batch_bytes_ += message.bytes;
    batch_.push_back(message);
    stream_.pop_front();
  }
  if (batch_.empty()) return;
  committing_ = true;
  began_ = now;
  const double took = static_cast<double>(batch_bytes_) / parts_.checks.capacity(now) * kNanosPerSecond;
  parts_.events.at(now + kCommitCost + static_cast<std::int64_t>(took), {.kind = FleetEventKind::kCommitted});
}

void FleetMixer::committed() {
  const std::int64_t now = parts_.events.now();
  committing_ = false;
  busy_ += now - began_;
  fill_ += std::min(1.0, static_cast<double>(batch_bytes_) / static_cast<double>(parts_.plan.batch_bytes));
  ++batches_;
  if (!store_up_) {
    if (failing_since_ < 0) failing_since_ = now;
    return plan_work(now + kRetryAfter);  // the batch stays
  }
  failing_since_ = -1;
  commits_[commit_++ % kCommits] = {now, now - began_, batch_bytes_};
  taken_ += batch_bytes_;
  const bool left = parts_.backlog_left();
  for (const auto& message : batch_) {
    waiting_[index_of(message.lane)] -= message.bytes;
    stored_[index_of(message.lane)] += message.bytes;
    parts_.checks.stored(message, now, left);
    parts_.on_stored(message);
  }
  batch_.clear();
  batch_bytes_ = 0;
  if (!stream_.empty())
    plan_work(stream_bytes_ >= parts_.plan.batch_bytes ? now : std::max(now, began_ + kBatchEvery));
}

}  // namespace fluxrig::sim
