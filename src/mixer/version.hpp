// The version of the software, as --version and the API say it; the same as CMakeLists.txt has.
#pragma once

#include <string_view>

namespace fluxrig::mixer {
inline constexpr std::string_view kVersion = FLUXRIG_VERSION;
}  // namespace fluxrig::mixer
