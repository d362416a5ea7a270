// Events of racks that their operator wants to see at the mixer as well: one line each, when the record is
// stored for the first time. docs/telemetry.md lists them. Any thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/diagnostics.hpp"
#include "model/records.hpp"
#include "sink/sink.hpp"

namespace fluxrig::mixer {

inline constexpr std::string_view kPressureTransition = "fluxrig.pressure.transition";
inline constexpr std::string_view kControlCommand = "fluxrig.control.command";

struct RackEvent {
  std::string rack;
  const model::Log* log = nullptr;  // in the blocks that it was found in
};

// Those that the ledger does not know: call it before the commit.
[[nodiscard]] std::vector<RackEvent> rack_events(std::span<const sink::IncomingBlock> blocks,
                                                 const sink::Ledger& ledger);
// After the commit. At most kMaxToldAttributes of the event's own attributes.
inline constexpr std::size_t kMaxToldAttributes = 12;
void tell_rack_event(const RackEvent& event, Diagnostics& diagnostics);

}  // namespace fluxrig::mixer
