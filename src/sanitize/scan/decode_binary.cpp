// Encodings whose letters are bytes that no text has.
#include "sanitize/scan/decoded.hpp"

namespace fluxrig::sanitize {
namespace {

char from_ebcdic(unsigned char byte) noexcept {
  if (byte >= 0xF0 && byte <= 0xF9) return static_cast<char>('0' + (byte - 0xF0));
  if (byte >= 0xC1 && byte <= 0xC9) return static_cast<char>('A' + (byte - 0xC1));
  if (byte >= 0xD1 && byte <= 0xD9) return static_cast<char>('J' + (byte - 0xD1));
  if (byte >= 0xE2 && byte <= 0xE9) return static_cast<char>('S' + (byte - 0xE2));
  switch (byte) {
    case 0x40:
      return ' ';
    case 0x4B:
      return '.';
    case 0x5E:
      return ';';
    case 0x5F:
    case 0xB0:  // the caret has two places
      return '^';
    case 0x60:
      return '-';
    case 0x61:
      return '/';
    case 0x6C:
      return '%';
    case 0x6F:
      return '?';
    case 0x7E:
      return '=';
    default:
      return kNoCharacter;
  }
}

}  // namespace

void decode_utf16(std::string_view source, Order order, unsigned phase, Decoded& out) {
  out.clear();
  for (std::size_t i = phase; i + 2 <= source.size(); i += 2) {
    const char low = order == Order::kLittleEndian ? source[i] : source[i + 1];
    const char high = order == Order::kLittleEndian ? source[i + 1] : source[i];
    const bool plain = high == 0 && low >= ' ';
    out.add(plain ? low : kNoCharacter, i, i + 2);
  }
}

void decode_ebcdic(std::string_view source, Decoded& out) {
  out.clear();
  for (std::size_t i = 0; i < source.size(); ++i)
    out.add(from_ebcdic(static_cast<unsigned char>(source[i])), i, i + 1);
}

void decode_packed_digits(std::string_view source, Decoded& out) {
  out.clear();
  const auto digit = [](unsigned nibble) {
    // 'D' stands for the '=' of track 2, and 'F' fills.
    return nibble < 10     ? static_cast<char>('0' + nibble)
           : nibble == 0xD ? 'D'
           : nibble == 0xF ? 'F'
                           : kNoCharacter;
  };
  for (std::size_t i = 0; i < source.size(); ++i) {
    const auto byte = static_cast<unsigned char>(source[i]);
    out.add(digit(byte >> 4), i, i + 1);
    out.add(digit(byte & 15U), i, i + 1);
  }
}

}  // namespace fluxrig::sanitize
