// The three signals by their names in OTLP: in settings, in the path /v1/<name>, in counters. Any thread;
// values only.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "model/telemetry.hpp"

namespace fluxrig::otlp {

using model::kAllSignals;
using model::Signal;

[[nodiscard]] constexpr std::size_t index_of(Signal signal) noexcept {
  return static_cast<std::size_t>(signal);
}
[[nodiscard]] constexpr std::string_view otlp_name_of(Signal signal) noexcept {
  constexpr std::array<std::string_view, kAllSignals.size()> kNames{"traces", "metrics", "logs"};
  return kNames[index_of(signal)];
}

}  // namespace fluxrig::otlp
