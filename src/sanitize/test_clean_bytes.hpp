// Any bytes as clean ones, for tests of other things and for those who play an attacker. Tests only.
#pragma once

#include "sanitize/clean_bytes.hpp"

namespace fluxrig::sanitize {

struct TestBytes {
  [[nodiscard]] static CleanBytes of(ByteView bytes) { return CleanBytes(Bytes(bytes.begin(), bytes.end())); }
};

}  // namespace fluxrig::sanitize
