// Verification codes and PINs in text, told by the word before them. Any thread; values only.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "sanitize/scan/stripe.hpp"

namespace fluxrig::sanitize {

// The value that a word at `at` announces: "cvv: 123", "\"card_cvc2\":\"1234\"", "security code 123",
// "pin=1234", "PIN block 0412AC89ABCDEF67". `at` is where the word's marker begins ("cv", "pin", "ecu",
// "rif"), as the prefilter tells. nullopt when none stands there.
[[nodiscard]] std::optional<Extent> find_secret(std::string_view text, std::size_t at) noexcept;

}  // namespace fluxrig::sanitize
