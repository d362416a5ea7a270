#include "sim/telemetry_ledger.hpp"

#include <fmt/format.h>

namespace fluxrig::sim {
namespace {
constexpr const char* kPromise = "P2 produced = stored + counted";
}

void TelemetryLedger::handed(const model::BlockHead& head, bool at_once_failed) {
  const auto [message, fresh] = messages_.try_emplace({head.machine_id, head.epoch, head.first});
  // What failed is handed over again, as the same message.
  if (fresh) handed_[{head.machine_id, head.epoch}] += head.count;
  if (!fresh && message->second.count != head.count)
    oracle_.fail(kPromise, fmt::format("epoch {} of {}: {} records from {} on became {}", head.epoch.value,
                                       to_string(head.machine_id), message->second.count, head.first.value,
                                       head.count));
  message->second.count = head.count;
  if (at_once_failed) message->second.told = Told::kFailed;
}

void TelemetryLedger::told(const model::BlockHead& head, bool good) {
  messages_[{head.machine_id, head.epoch, head.first}].told = good ? Told::kGood : Told::kFailed;
}

void TelemetryLedger::lost(const model::BlockHead& head) {
  messages_[{head.machine_id, head.epoch, head.first}].lost = true;
}

void TelemetryLedger::check(const MachineId& machine, Epoch epoch, const Counts& counts) {
  const auto& drops = *counts.drops;
  using lane::DropCause;
  const std::uint64_t at_the_door = drops.count(DropCause::kRingFull) + drops.count(DropCause::kQueueFull) +
                                    drops.count(DropCause::kOversize);
  const std::uint64_t handed = handed_[{machine, epoch}];
  const auto where = fmt::format("epoch {} of {}", epoch.value, to_string(machine));
  if (counts.produced != counts.accepted + at_the_door)
    oracle_.fail(kPromise, fmt::format("{}: {} produced, {} accepted, {} counted", where, counts.produced,
                                       counts.accepted, at_the_door));
  if (handed > counts.accepted || (!counts.ended && handed != counts.accepted))
    oracle_.fail(kPromise,
                 fmt::format("{}: {} accepted, {} handed to the bus", where, counts.accepted, handed));
  if (!counts.ended) check_resent(machine, epoch);
}

// A batch that was not taken is sent again, until it is.
void TelemetryLedger::check_resent(const MachineId& machine, Epoch epoch) {
  for (auto at = messages_.lower_bound({machine, epoch, Sequence{0}});
       at != messages_.end() && std::get<0>(at->first) == machine && std::get<1>(at->first) == epoch; ++at)
    if (at->second.told == Told::kFailed)
      oracle_.fail(
          kPromise,
          fmt::format("epoch {} of {}: {} records from {} on failed and were not sent again", epoch.value,
                      to_string(machine), at->second.count, std::get<2>(at->first).value));
}

// What the publisher holds for delivered is stored, unless the server lost it; all of it or nothing.
void TelemetryLedger::check_message(const MessageKey& key, const Message& message) {
  const auto& [machine, epoch, first] = key;
  std::uint32_t stored = 0;
  for (std::uint32_t i = 0; i < message.count; ++i)
    stored += oracle_.has_row({machine, model::Lane::kTelemetry, epoch, {first.value + i}}) ? 1 : 0;
  const bool must = message.told == Told::kGood && !message.lost;
  if (stored != message.count && (stored != 0 || must))
    oracle_.fail(kPromise, fmt::format("epoch {} of {}: of {} records from {} on {} are stored", epoch.value,
                                       to_string(machine), message.count, first.value, stored));
}

void TelemetryLedger::check_end() {
  for (const auto& [key, message] : messages_) check_message(key, message);
}

}  // namespace fluxrig::sim
