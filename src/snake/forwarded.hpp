// What came over the bus and goes back onto it, as a dead letter or out of one: JetStream has kept it
// already, as it came. Any thread.
#pragma once

#include "snake/bus.hpp"

namespace fluxrig::snake {

struct ForwardedBytes {
  [[nodiscard]] static sanitize::CleanBytes of(const Delivery& message) {
    return sanitize::CleanBytes(message.payload);
  }
};

}  // namespace fluxrig::snake
