// The version of this software, as records, hellos and `--version` give it.
#pragma once

#include <string_view>

namespace fluxrig::rack {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace fluxrig::rack
