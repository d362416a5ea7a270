// The table of the rack's pressure states: docs/formats/pressure.md, section "States". Any thread; values
// only.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "model/pressure.hpp"

namespace fluxrig::pressure {

// What the inputs of one moment ask for; the worst of them rules. In this order.
enum class Demand : std::uint8_t {
  kClear,     // no pressure, no backlog
  kBacklog,   // no pressure, and a backlog
  kRestrict,  // mixer's level 1, or a slow tunnel
  kDivert,    // mixer's level 2 or 3, lease expired, disconnected, or a stalled tunnel
};
inline constexpr std::size_t kDemands = 4;
inline constexpr std::array<std::string_view, kDemands> kDemandNames{"clear", "backlog", "restrict",
                                                                     "divert"};
[[nodiscard]] constexpr std::string_view name_of(Demand demand) noexcept {
  return kDemandNames[static_cast<std::size_t>(demand)];
}

enum class When : std::uint8_t {
  kStay,
  kAtOnce,   // pressure: no waiting
  kSettled,  // relief: the state lasted its dwell, and the worse demands are gone for the hold time
};

struct Step {
  model::PressureState to = model::PressureState::kNormal;
  When when = When::kStay;
  friend bool operator==(const Step&, const Step&) = default;
};

[[nodiscard]] Step step_of(model::PressureState from, Demand demand) noexcept;

}  // namespace fluxrig::pressure
