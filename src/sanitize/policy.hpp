// What happens to one named field before it is stored or sent. The action belongs to the field's name, so
// that the hot path decides nothing. Any thread; values only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fluxrig::sanitize {

// From the mildest to the strictest.
enum class Action : std::uint8_t {
  kReference,  // an identifier by its definition, of at most kMostReference characters: exempt from the
               // search by its type, so that it is found again; a longer one is treated as kKeep
  kKeep,       // never holds cardholder data by its definition, and is searched all the same
  kMask,       // first 6 and last 4 digits stay, the rest become '*'
  kToken,      // replaced by its token (HMAC-SHA-256 under the deployment's key)
  kDrop,       // not recorded at all; only the fact that it was there
};
// "keep", "mask", "token", "drop": a reference is kept.
[[nodiscard]] std::string_view to_string(Action action) noexcept;
// Too short for a number of any brand of PCI DSS but a Maestro one of 12 digits, which no acquirer's
// reference is.
inline constexpr std::size_t kMostReference = 12;

// The policy table for ISO 8583 data elements (2..128): 2 and 34 tokenised; 37, whose digits look like a
// number of 12 digits on some days (YDDDhhnnnnnn), a reference; 14, 35, 36, 45, 48, 52, 53, 55, 60-63 and
// 120-127 dropped; every other kept only if it is on the allow list of elements that cannot hold card data,
// and dropped otherwise.
[[nodiscard]] Action iso8583_action(unsigned element) noexcept;

// For JSON: by the last words of the last name of the path, case and separators ignored ("card.pan",
// "cardNumber", "customerPan", "CVV2", "pin_block", "track2"). kKeep for names that say nothing.
[[nodiscard]] Action json_action(std::string_view path) noexcept;

}  // namespace fluxrig::sanitize
