// Magnetic stripe data by its structure (ISO/IEC 7813), with or without sentinels and with or without a right
// check digit: a damaged track is a track. Any thread; values only.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace fluxrig::sanitize {

struct Extent {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// The track whose account number is the 12 to 19 digits (and separators) of `number`: "^name^YYMM...?" or
// "=YYMM...?" follows ('D' for '=' in hex), and ";" or "%B" may come before. nullopt when it is none. After a
// number with a right check digit less is asked of what follows a 'D'.
[[nodiscard]] std::optional<Extent> find_stripe(std::string_view text, Extent number,
                                                bool right_number) noexcept;

}  // namespace fluxrig::sanitize
