// Why a rack's pressure state is what it is. Any thread; values only.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "model/pressure.hpp"

namespace fluxrig::pressure {

using model::PressureState;

enum class Source : std::uint8_t {
  kNone,            // there is no pressure
  kTunnelSlow,      // acknowledgements take much longer than they used to, or the connection keeps breaking
  kTunnelStalled,   // nothing is acknowledged any more
  kMixer,           // the level of its lease
  kLeaseExpired,    // the mixer used to send leases, and no longer does
  kDisconnected,    // no connection to the bus
  kBacklog,         // there is one, and no pressure
  kBacklogDrained,  // there was one
  kCleared,         // what asked for less is gone
  kOperator,        // forced
};
inline constexpr std::array<std::string_view, 10> kSourceNames{
    "none",         "tunnel_slow", "tunnel_stalled",  "mixer",   "lease_expired",
    "disconnected", "backlog",     "backlog_drained", "cleared", "operator"};
[[nodiscard]] constexpr std::string_view name_of(Source source) noexcept {
  return kSourceNames[static_cast<std::size_t>(source)];
}

struct Cause {
  Source source = Source::kNone;
  model::PressureCause mixer = model::PressureCause::kNone;  // with kMixer: why the mixer asks for less
  friend bool operator==(const Cause&, const Cause&) = default;
};

}  // namespace fluxrig::pressure
