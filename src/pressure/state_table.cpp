#include "pressure/state_table.hpp"

namespace fluxrig::pressure {
namespace {

using enum model::PressureState;

constexpr Step kStays{kNormal, When::kStay};
constexpr Step at_once(model::PressureState to) { return {to, When::kAtOnce}; }
constexpr Step settled(model::PressureState to) { return {to, When::kSettled}; }

constexpr std::array<std::array<Step, kDemands>, 4> kTable{{
    //  clear             backlog           restrict             divert
    {kStays, settled(kReplay), at_once(kRestrict), at_once(kDivert)},  // NORMAL
    {settled(kNormal), settled(kReplay), kStays, at_once(kDivert)},    // RESTRICT
    {settled(kNormal), settled(kReplay), settled(kRestrict), kStays},  // DIVERT
    {settled(kNormal), kStays, at_once(kRestrict), at_once(kDivert)},  // REPLAY
}};

}  // namespace

Step step_of(model::PressureState from, Demand demand) noexcept {
  const Step step = kTable[static_cast<std::size_t>(from)][static_cast<std::size_t>(demand)];
  return step.when == When::kStay ? Step{from, When::kStay} : step;
}

}  // namespace fluxrig::pressure
