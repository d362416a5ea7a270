// Deterministic CBOR (RFC 8949, section 4.2): shortest heads, definite lengths. Knows no schema: the caller
// writes map keys in ascending order. Appends to a buffer that the caller owns and may reserve. One thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"

namespace fluxrig::cbor {

class Encoder {
 public:
  explicit Encoder(Bytes& out) noexcept : out_(out) {}

  void unsigned_integer(std::uint64_t value);
  void integer(std::int64_t value);
  void bytes(ByteView value);
  void text(std::string_view value);  // must be UTF-8: bytes that are not are replaced by U+FFFD
  void array(std::size_t items);      // followed by that many items
  void map(std::size_t entries);      // followed by that many key, value pairs
  void boolean(bool value);
  void null();
  void float64(double value);  // always 8 bytes: our schema's fixed width for doubles
  void fixed32(
      std::uint32_t value);    // an unsigned integer with a 4-byte argument whatever its size (frame CRC)
  void raw(ByteView encoded);  // bytes that already are one item

 private:
  void head(std::uint8_t major, std::uint64_t argument);
  Bytes& out_;
};

}  // namespace fluxrig::cbor
