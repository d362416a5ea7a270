// Inputs of the state machine by what they ask for; for tests.
#pragma once

#include "pressure/state_machine.hpp"

namespace fluxrig::pressure {

inline constexpr std::int64_t kTestSecond = kNanosPerSecond;

inline LeaseView valid_lease(std::uint8_t level, model::PressureCause cause = model::PressureCause::kNone) {
  LeaseView view;
  view.standing = LeaseStanding::kValid;
  view.lease.level = level;
  view.lease.cause = cause;
  return view;
}
inline LeaseView expired_lease() {
  LeaseView view = valid_lease(0);
  view.standing = LeaseStanding::kExpired;
  return view;
}
inline StateMachine::Input calm(std::int64_t at) {
  StateMachine::Input input;
  input.now = {at};
  input.lease = valid_lease(0);
  input.connected = true;
  return input;
}

}  // namespace fluxrig::pressure
