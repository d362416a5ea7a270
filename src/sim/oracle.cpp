#include "sim/oracle.hpp"

#include <fmt/format.h>

namespace fluxrig::sim {

void Oracle::fail(std::string promise, std::string detail) {
  if (!broken_) broken_ = BrokenPromise{std::move(promise), std::move(detail)};
}

void Oracle::begun(const FluxId& flux_id, std::size_t rack) { transactions_[flux_id].rack = rack; }

void Oracle::answered(const FluxId& flux_id, std::int64_t now) {
  transactions_[flux_id].answered_at = now;
  ++answered_;
}

void Oracle::forgive_since(std::size_t rack, std::int64_t time) {
  for (auto& [flux_id, transaction] : transactions_)
    if (transaction.rack == rack && transaction.answered_at >= time) transaction.may_be_lost = true;
}

void Oracle::stored(const Place& place, const model::Record& record) {
  if (++rows_[place] > 1)
    fail("stored exactly once", fmt::format("epoch {} sequence {} of {} was stored twice", place.epoch.value,
                                            place.sequence.value, to_string(place.machine_id)));
  const auto* transaction = std::get_if<model::Transaction>(&record);
  if (transaction == nullptr) return;
  const auto known = transactions_.find(transaction->flux_id);
  if (known == transactions_.end())
    return fail("nothing is stored that was not",
                "the store holds a transaction that nobody began: " + to_string(transaction->flux_id));
  for (const auto& attribute : transaction->attributes)
    if (attribute.value != model::Value(kContent))
      fail("what is stored is what was recorded",
           "an attribute of another content in transaction " + to_string(transaction->flux_id));
  if (++known->second.stored > 1)
    fail("stored exactly once", fmt::format("transaction {} was stored {} times, now as epoch {} sequence {}",
                                            to_string(transaction->flux_id), known->second.stored,
                                            place.epoch.value, place.sequence.value));
}

void Oracle::telemetry_handed(const model::BlockHead& head, bool at_once_failed) {
  const auto [message, fresh] = telemetry_.try_emplace({head.machine_id, head.epoch, head.first});
  // What failed is handed over again, as the same message.
  if (fresh) handed_[{head.machine_id, head.epoch}] += head.count;
  if (!fresh && message->second.count != head.count)
    fail("P2 produced = stored + counted",
         fmt::format("epoch {} of {}: {} records from {} on became {}", head.epoch.value,
                     to_string(head.machine_id), message->second.count, head.first.value, head.count));
  message->second.count = head.count;
  if (at_once_failed) message->second.told = Told::kFailed;
}

void Oracle::telemetry_told(const model::BlockHead& head, bool good) {
  telemetry_[{head.machine_id, head.epoch, head.first}].told = good ? Told::kGood : Told::kFailed;
}

void Oracle::telemetry_lost(const model::BlockHead& head) {
  telemetry_[{head.machine_id, head.epoch, head.first}].lost = true;
}

void Oracle::check_telemetry(const MachineId& machine, Epoch epoch, const Telemetry& telemetry) {
  const auto& drops = *telemetry.drops;
  using lane::DropCause;
  const std::uint64_t at_the_door = drops.count(DropCause::kRingFull) + drops.count(DropCause::kQueueFull) +
                                    drops.count(DropCause::kOversize);
  const std::uint64_t handed = handed_[{machine, epoch}];
  const auto where = fmt::format("epoch {} of {}", epoch.value, to_string(machine));
  if (telemetry.produced != telemetry.accepted + at_the_door)
    fail("P2 produced = stored + counted", fmt::format("{}: {} produced, {} accepted, {} counted", where,
                                                       telemetry.produced, telemetry.accepted, at_the_door));
  // A batch that was not taken is sent again, until it is.
  if (!telemetry.ended)
    for (auto at = telemetry_.lower_bound({machine, epoch, Sequence{0}});
         at != telemetry_.end() && std::get<0>(at->first) == machine && std::get<1>(at->first) == epoch; ++at)
      if (at->second.told == Told::kFailed)
        fail("P2 produced = stored + counted",
             fmt::format("{}: {} records from {} on failed and were not sent again", where, at->second.count,
                         std::get<2>(at->first).value));
  const bool all_handed = handed == telemetry.accepted;
  if (handed > telemetry.accepted || (!telemetry.ended && !all_handed))
    fail("P2 produced = stored + counted",
         fmt::format("{}: {} accepted, {} handed to the bus", where, telemetry.accepted, handed));
}

// What the publisher holds for delivered is stored, unless the server lost it; all of it or nothing.
void Oracle::check_message(const MessageKey& key, const TelemetryMessage& message) {
  const auto& [machine, epoch, first] = key;
  std::uint32_t stored = 0;
  for (std::uint32_t i = 0; i < message.count; ++i)
    stored += rows_.contains({machine, model::Lane::kTelemetry, epoch, {first.value + i}}) ? 1 : 0;
  const bool must = message.told == Told::kGood && !message.lost;
  if (stored != message.count && (stored != 0 || must))
    fail("P2 produced = stored + counted",
         fmt::format("epoch {} of {}: of {} records from {} on {} are stored", epoch.value,
                     to_string(machine), message.count, first.value, stored));
}

void Oracle::check_end() {
  for (const auto& [flux_id, transaction] : transactions_)
    if (transaction.answered_at >= 0 && transaction.stored == 0 && !transaction.may_be_lost)
      return fail("no answered transaction without a record",
                  fmt::format("transaction {} of rack {} was answered at {:.6f} s and is not stored",
                              to_string(flux_id), transaction.rack,
                              static_cast<double>(transaction.answered_at) / 1e9));
  for (const auto& [key, message] : telemetry_) check_message(key, message);
}

}  // namespace fluxrig::sim
