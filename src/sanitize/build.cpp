#include "sanitize/build.hpp"

namespace fluxrig::sanitize {

bool sanitises() noexcept { return kSanitises; }

}  // namespace fluxrig::sanitize
