// The FLUXRIG_* variables of this process. One thread.
#pragma once

#include "rack/scenario.hpp"

namespace fluxrig::client {

[[nodiscard]] rack::Environment fluxrig_environment();

}  // namespace fluxrig::client
