// Sizes as people write them. Any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.hpp"

namespace fluxrig {

// "512MiB", "2GB", "1048576"; the units are B, KB, MB, GB, KiB, MiB, GiB and TiB.
[[nodiscard]] Outcome<std::uint64_t> parse_byte_size(std::string_view text);

}  // namespace fluxrig
