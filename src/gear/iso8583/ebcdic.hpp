// EBCDIC code page 037 (CCSID 37, the one of card hosts in the Americas) for the printable ASCII characters.
// Digits, letters, space, '=' and most specials are the same in code pages 500 and 1047. Any thread; values
// only.
#pragma once

#include <array>
#include <cstdint>

namespace fluxrig::gear::iso8583 {

// By EBCDIC byte: the ASCII character, 0 when it is none of the printable ones.
extern const std::array<std::uint8_t, 256> kAsciiOfEbcdic;
// By ASCII character: the EBCDIC byte, 0 when it is not printable.
extern const std::array<std::uint8_t, 256> kEbcdicOfAscii;

}  // namespace fluxrig::gear::iso8583
