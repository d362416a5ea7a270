#include "mixer/presence.hpp"

#include <charconv>
#include <iterator>
#include <utility>

namespace fluxrig::mixer {
namespace {

constexpr std::uint64_t kMostRacks = 1'000'000;  // far over what one mixer serves

}  // namespace

void Presence::recall(sink::Queries& queries, Diagnostics& diagnostics) {
  const auto table = queries.select("SELECT machine_id::VARCHAR, epoch FROM racks", {}, {.rows = kMostRacks});
  if (!table)
    return diagnostics.warn("mixer.racks",
                            "which start of each rack came last is not known: an older copy of a directory "
                            "that was put back meanwhile is only told by its records",
                            {{"why", table.error().message}});
  const std::lock_guard lock(mutex_);
  for (const auto& row : table->rows) {
    const auto machine = parse_uuid(row[0].value_or(""));
    const auto text = row[1].value_or("");
    std::uint32_t epoch = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), epoch);
    if (machine && error == std::errc{}) epochs_[MachineId{*machine}] = Epoch{epoch};
  }
}

void Presence::hello(sink::RackPresence presence, std::optional<Epoch> before,
                     std::vector<model::Attribute> resource) {
  const std::lock_guard lock(mutex_);
  auto& known = epochs_[presence.machine_id];
  if (before && known != presence.epoch && known > *before && old_copies_.size() < kMostOldCopies)
    old_copies_.push_back({presence.machine_id, presence.rack, presence.epoch, *before, known});
  known = presence.epoch;
  auto& entry = racks_[presence.machine_id];
  entry.heard(presence.last_seen);
  if (presence.status_json.empty()) presence.status_json = std::move(entry.presence.status_json);
  entry.presence = std::move(presence);
  entry.resource = std::move(resource);
  entry.changed = true;
  entry.urgent = true;
}

void Presence::heartbeat(const MachineId& machine, const std::string& rack, model::Heartbeat heartbeat,
                         UnixNanos now) {
  const std::lock_guard lock(mutex_);
  auto& entry = racks_[machine];
  entry.heard(now);
  entry.presence.machine_id = machine;
  entry.presence.rack = rack;
  entry.presence.epoch = epochs_[machine] = heartbeat.epoch;
  entry.presence.status_json = std::move(heartbeat.status_json);
  entry.pressure = std::move(heartbeat.pressure);
  if (entry.holds_back()) entry.since = now;
  entry.presence.last_seen = now;
  entry.changed = true;
}

std::vector<sink::RackPresence> Presence::take_due(UnixNanos now) {
  const std::lock_guard lock(mutex_);
  std::vector<sink::RackPresence> due;
  for (auto& [machine, entry] : racks_) {
    const bool waited = now.value - entry.remembered.value >= kRememberInterval;
    if (!entry.changed || !(entry.urgent || waited)) continue;
    due.push_back(entry.presence);
    entry.changed = false;
    entry.urgent = false;
    entry.remembered = now;
  }
  return due;
}

std::vector<Presence::OldCopy> Presence::take_old_copies() {
  const std::lock_guard lock(mutex_);
  return std::exchange(old_copies_, {});
}

void Presence::give_back(std::vector<OldCopy> copies) {
  const std::lock_guard lock(mutex_);
  old_copies_.insert(old_copies_.begin(), std::make_move_iterator(copies.begin()),
                     std::make_move_iterator(copies.end()));
}

std::optional<UnixNanos> Presence::present_since(const MachineId& machine, UnixNanos now) const {
  const std::lock_guard lock(mutex_);
  const auto found = racks_.find(machine);
  if (found == racks_.end() || !found->second.is_here(now)) return std::nullopt;
  return found->second.since;
}

std::optional<model::RackPressure> Presence::pressure_of(const MachineId& machine) const {
  const std::lock_guard lock(mutex_);
  const auto found = racks_.find(machine);
  return found == racks_.end() ? std::nullopt : found->second.pressure;
}

std::optional<Presence::RackResource> Presence::resource_of(const MachineId& machine, Epoch epoch) const {
  const std::lock_guard lock(mutex_);
  const auto found = racks_.find(machine);
  if (found == racks_.end() || found->second.presence.epoch != epoch) return std::nullopt;
  return RackResource{found->second.presence.version, found->second.resource};
}

std::vector<Presence::Present> Presence::present(UnixNanos now) const {
  const std::lock_guard lock(mutex_);
  std::vector<Present> list;
  for (const auto& [machine, entry] : racks_)
    if (entry.is_here(now)) list.push_back({machine, entry.pressure});
  return list;
}

std::vector<sink::RackPresence> Presence::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<sink::RackPresence> list;
  list.reserve(racks_.size());
  for (const auto& [machine, entry] : racks_) list.push_back(entry.presence);
  return list;
}

}  // namespace fluxrig::mixer
