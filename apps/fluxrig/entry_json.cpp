#include "fluxrig/entry_json.hpp"

#include <fmt/format.h>

#include "base/diagnostics.hpp"
#include "gear/bus/bus_headers.hpp"

namespace fluxrig::client {

std::string message_as_json(const RecordPlace& place, const snake::Outgoing& message) {
  std::string_view flux_id;
  for (const auto& [name, value] : message.headers)
    if (name == gear::bus::kFluxIdHeader) flux_id = value;
  return fmt::format(
      R"({{"epoch":{},"sequence":{},"record":"message","subject":"{}","id":"{}","flux_id":"{}","bytes":{}}})",
      place.epoch.value, place.sequence.value, escape_json(message.subject), escape_json(message.message_id),
      escape_json(flux_id), message.payload.size());
}

std::string batch_as_json(const RecordPlace& place, const lane::BacklogEntry& entry) {
  const auto& block = entry.block;
  const auto& [spans, metrics, logs] = block.signals.counts;
  return fmt::format(
      R"({{"epoch":{},"sequence":{},"record":"batch","batch_epoch":{},"first":{},"last":{},"spans":{},"metrics":{},"logs":{},"bytes":{}}})",
      place.epoch.value, place.sequence.value, block.epoch.value, block.first.value, block.last().value,
      spans, metrics, logs, block.bytes.size());
}

}  // namespace fluxrig::client
