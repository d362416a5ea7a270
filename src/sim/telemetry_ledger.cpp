#include "sim/telemetry_ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace fluxrig::sim {
namespace {

constexpr const char* kPromise = "P2 produced = stored + counted";

std::uint64_t at_the_door(const lane::DropCounters& drops) {
  using lane::DropCause;
  return drops.count(DropCause::kRingFull) + drops.count(DropCause::kQueueFull) +
         drops.count(DropCause::kOversize);
}

}  // namespace

std::string TelemetryLedger::where(const MachineId& machine, Epoch epoch) {
  return fmt::format("epoch {} of {}", epoch.value, to_string(machine));
}

void TelemetryLedger::handed(const model::BlockHead& head, bool at_once_failed) {
  const auto [message, fresh] = messages_.try_emplace({head.machine_id, head.epoch, head.first});
  // What failed is handed over again, as the same message, if need be by a later process.
  if (fresh)
    handed_[{head.machine_id, head.epoch}] += head.count;
  else
    ++again_count_;
  if (!fresh && message->second.count != head.count)
    oracle_.fail(kPromise,
                 fmt::format("{}: {} records from {} on became {}", where(head.machine_id, head.epoch),
                             message->second.count, head.first.value, head.count));
  message->second.count = head.count;
  message->second.lost = false;
  message->second.told = at_once_failed ? Told::kFailed : Told::kNothing;
}

void TelemetryLedger::told(const model::BlockHead& head, bool good) {
  messages_[{head.machine_id, head.epoch, head.first}].told = good ? Told::kGood : Told::kFailed;
}

void TelemetryLedger::lost(const model::BlockHead& head) {
  messages_[{head.machine_id, head.epoch, head.first}].lost = true;
}

void TelemetryLedger::stated(const MachineId& machine, Epoch epoch, const model::LedgerStatement& statement) {
  const auto [known, fresh] =
      statements_.try_emplace({machine, epoch, statement.hour, statement.signal}, statement);
  // Cumulative; what the store gets may come in another order.
  if (!fresh && statement.produced >= known->second.produced) known->second = statement;
}

void TelemetryLedger::stated(const MachineId& machine, const model::LostTelemetry& lost) {
  const auto [known, fresh] = lost_.try_emplace({machine, lost.epoch, lost.first}, lost);
  if (!fresh && lost.last > known->second.last) known->second = lost;
}

void TelemetryLedger::survived(const MachineId& machine, std::span<const Kept> on_disk,
                               const Survival& survival) {
  for (auto at = kept_.lower_bound({machine, {}, {}}); at != kept_.end() && std::get<0>(at->first) == machine;
       ++at) {
    auto& known = at->second;
    const Kept kept{std::get<1>(at->first), std::get<2>(at->first), known.last};
    if (std::binary_search(on_disk.begin(), on_disk.end(), kept)) continue;
    if (survival.was_full || (survival.power_lost && !known.durable)) known.excused = true;
  }
  for (const auto& kept : on_disk) {
    const auto [known, fresh] = kept_.try_emplace({machine, kept.epoch, kept.first}, Survivor{kept.last});
    known->second.durable = known->second.durable || survival.power_lost;
    survivors_ += fresh ? 1 : 0;
  }
}

void TelemetryLedger::check(const MachineId& machine, Epoch epoch, const Counts& counts) {
  const std::uint64_t dropped = at_the_door(*counts.drops);
  if (counts.produced != counts.accepted + dropped)
    oracle_.fail(kPromise, fmt::format("{}: {} produced, {} accepted, {} counted", where(machine, epoch),
                                       counts.produced, counts.accepted, dropped));
  accepted_[{machine, epoch}] = counts.accepted;
  if (!counts.ended) live_[{machine, epoch}] = counts;
}

// What the publisher holds for delivered is stored, unless the server lost it; all of it or nothing.
void TelemetryLedger::check_message(const Place& key, const Message& message) {
  const auto& [machine, epoch, first] = key;
  const std::uint64_t rows = stored(key, {first.value + message.count - 1});
  const bool must = message.told == Told::kGood && !message.lost;
  if (rows != message.count && (rows != 0 || must))
    oracle_.fail(kPromise, fmt::format("{}: of {} records from {} on {} are stored", where(machine, epoch),
                                       message.count, first.value, rows));
}

// The store takes a range for lost or for stored as a whole.
void TelemetryLedger::check_named(const Place& key, const model::LostTelemetry& lost) {
  const auto& [machine, epoch, first] = key;
  const std::uint64_t records = lost.last.value + 1 - first.value;
  const std::uint64_t rows = stored(key, lost.last);
  if (lost.counts.total() != records || (rows != 0 && rows != records))
    oracle_.fail(kPromise,
                 fmt::format("{}: {} records from {} on are named lost as {}, {} of them are stored",
                             where(machine, epoch), records, first.value, lost.counts.total(), rows));
  named_count_ += rows == 0 ? records : 0;
}

void TelemetryLedger::check_survivor(const Place& key, const Survivor& survivor) {
  const auto& [machine, epoch, first] = key;
  if (survivor.excused) return;
  for (Sequence sequence = first; sequence <= survivor.last; ++sequence.value)
    if (!accounted(machine, epoch, sequence))
      return oracle_.fail(kPromise,
                          fmt::format("{}: {} outlived a death on disk, and is neither stored nor named",
                                      where(machine, epoch), sequence.value));
}

// Nothing of it was in a memory that is gone.
void TelemetryLedger::check_live(const MachineId& machine, Epoch epoch, const Counts& counts) {
  for (Sequence sequence{1}; sequence.value <= counts.accepted; ++sequence.value)
    if (!accounted(machine, epoch, sequence))
      return oracle_.fail(kPromise, fmt::format("{}: {} of {} is neither stored nor named",
                                                where(machine, epoch), sequence.value, counts.accepted));
}

// What was counted has arrived, too.
void TelemetryLedger::check_statements(const MachineId& machine, Epoch epoch, const Counts& counts) {
  std::uint64_t produced = 0;
  std::uint64_t dropped = 0;
  for (const auto& [key, statement] : statements_) {
    if (std::get<0>(key) != machine || std::get<1>(key) != epoch) continue;
    produced += statement.produced;
    dropped += std::accumulate(statement.dropped.begin(), statement.dropped.end(), std::uint64_t{0});
  }
  const std::uint64_t door = at_the_door(*counts.drops);
  if (produced != counts.produced || dropped != door)
    oracle_.fail(kPromise, fmt::format("{}: {} produced and {} counted, and stated are {} and {}",
                                       where(machine, epoch), counts.produced, door, produced, dropped));
}

void TelemetryLedger::check_end(Statements statements) {
  for (const auto& [key, message] : messages_) check_message(key, message);
  for (const auto& [key, lost] : lost_) check_named(key, lost);
  for (const auto& [key, records] : handed_)
    if (const auto known = accepted_.find(key); known == accepted_.end() || records > known->second)
      oracle_.fail(kPromise, fmt::format("{}: {} handed to the bus, more than were accepted",
                                         where(key.first, key.second), records));
  if (statements == Statements::kSomeLost) return;
  for (const auto& [key, survivor] : kept_) check_survivor(key, survivor);
  for (const auto& [key, counts] : live_) {
    check_live(key.first, key.second, counts);
    check_statements(key.first, key.second, counts);
  }
}

std::uint64_t TelemetryLedger::stored(const Place& first, Sequence last) const {
  const auto& [machine, epoch, begin] = first;
  std::uint64_t rows = 0;
  for (Sequence sequence = begin; sequence <= last; ++sequence.value)
    rows += oracle_.has_row({machine, model::Lane::kTelemetry, epoch, sequence}) ? 1 : 0;
  return rows;
}

bool TelemetryLedger::accounted(const MachineId& machine, Epoch epoch, Sequence sequence) const {
  if (oracle_.has_row({machine, model::Lane::kTelemetry, epoch, sequence})) return true;
  const Place place{machine, epoch, sequence};
  return named(place) || excused_by_server(place);
}

bool TelemetryLedger::named(const Place& place) const {
  const auto next = lost_.upper_bound(place);
  if (next == lost_.begin()) return false;
  const auto& [key, lost] = *std::prev(next);
  return std::get<0>(key) == std::get<0>(place) && lost.epoch == std::get<1>(place) &&
         lost.last >= std::get<2>(place);
}

bool TelemetryLedger::excused_by_server(const Place& place) const {
  const auto next = messages_.upper_bound(place);
  if (next == messages_.begin()) return false;
  const auto& [key, message] = *std::prev(next);
  const auto& [machine, epoch, first] = key;
  return machine == std::get<0>(place) && epoch == std::get<1>(place) &&
         std::get<2>(place).value < first.value + message.count && message.told == Told::kGood &&
         message.lost;
}

}  // namespace fluxrig::sim
