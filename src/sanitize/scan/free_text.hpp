// Searches any text or bytes for card numbers and sensitive authentication data, in every encoding of
// docs/security.md, and overwrites them where they stand. The length never changes; every overwritten byte
// becomes
// '*'. Deterministic, and idempotent by construction: it ends when a whole pass finds nothing. Any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "sanitize/scan/prefilter.hpp"

namespace fluxrig::sanitize {

struct Findings {
  std::uint32_t numbers = 0;  // plain card numbers: first 6 and last 4 digits stay (none of 12 digits)
  std::uint32_t encoded = 0;  // card numbers in another encoding: nothing stays
  std::uint32_t secrets = 0;  // stripes, verification codes, PINs: nothing stays
  [[nodiscard]] bool none() const noexcept { return numbers + encoded + secrets == 0; }
};

// How to look; results never depend on it. kEverywhere does without the prefilter and is there to prove that.
enum class Search { kFastest, kScalar, kEverywhere };

// Bounded work: at most kMostPasses passes over the text. What still holds a number then (nested by intent)
// is overwritten whole, as is a text of 4 GiB and more.
Findings clean_text(std::span<char> text, Search search = Search::kFastest);

inline constexpr unsigned kMostPasses = 16;

}  // namespace fluxrig::sanitize
