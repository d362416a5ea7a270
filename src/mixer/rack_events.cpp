#include "mixer/rack_events.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fluxrig::mixer {
namespace {

struct Told {
  std::string_view event;
  std::string_view message;
  std::string_view prefix;  // of its attributes: not repeated in the line
};
constexpr std::array<Told, 2> kTold{{
    {kPressureTransition, "a rack changed its pressure state", "fluxrig.pressure."},
    {kControlCommand, "a rack has recorded a command", "fluxrig.control."},
}};

const Told* told(std::string_view event) {
  const auto* const found =
      std::find_if(kTold.begin(), kTold.end(), [&](const Told& one) { return one.event == event; });
  return found == kTold.end() ? nullptr : found;
}

std::string text_of(const model::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* real = std::get_if<double>(&value)) return fmt::format("{:g}", *real);
  return std::get<bool>(value) ? "true" : "false";
}

}  // namespace

std::vector<RackEvent> rack_events(std::span<const sink::IncomingBlock> blocks, const sink::Ledger& ledger) {
  std::vector<RackEvent> events;
  for (const auto& block : blocks) {
    const auto& head = block.head;
    if (head.lane != model::Lane::kAudit) continue;
    for (std::size_t i = 0; i < block.records.size(); ++i) {
      const auto* log = std::get_if<model::Log>(&block.records[i]);
      if (log == nullptr || told(log->event_name) == nullptr) continue;
      const auto known = ledger.find({head.machine_id, head.lane, head.epoch});
      if (known == ledger.end() || !known->second.contains(Sequence{head.first.value + i}))
        events.push_back({block.rack, log});
    }
  }
  return events;
}

void tell_rack_event(const RackEvent& event, Diagnostics& diagnostics) {
  const auto* const what = told(event.log->event_name);
  if (what == nullptr) return;
  std::string figures;
  const auto& attributes = event.log->attributes;
  for (std::size_t i = 0; i < std::min(attributes.size(), kMaxToldAttributes); ++i) {
    std::string_view key = attributes[i].key;
    if (key.substr(0, what->prefix.size()) == what->prefix) key.remove_prefix(what->prefix.size());
    figures += fmt::format("{}{}={}", i == 0 ? "" : ", ", key, text_of(attributes[i].value));
  }
  diagnostics.info("mixer.racks", what->message,
                   {{"rack", event.rack}, {"at", to_rfc3339(event.log->time)}, {"figures", figures}});
}

}  // namespace fluxrig::mixer
