// An ISO 8583 specification: how the message type, the bitmap and each data element stand on the wire. Read
// from YAML (docs/formats/iso8583-spec.md); the shipped ones (specs/) are part of the binary. Immutable once
// loaded: any thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/yaml.hpp"

namespace fluxrig::gear::iso8583 {

inline constexpr unsigned kLastElement = 128;

enum class Encoding : std::uint8_t {
  kAscii,   // one character a byte; for binary content two hex digits a byte
  kEbcdic,  // as kAscii in code page 037
  kBcd,     // two digits a byte
  kBinary,  // content: the bytes themselves; length prefix: a big-endian integer; bitmap: 8 raw bytes
};

// The standard's letters for what a value may hold.
enum class Content : std::uint8_t {
  kNumeric,              // n
  kAlphabetic,           // a
  kAlphanumeric,         // an
  kAlphabeticSpecial,    // as
  kNumericSpecial,       // ns
  kAlphanumericSpecial,  // ans
  kBinary,               // b
  kTrack,                // z: digits and the separator, '=' or 'D'
  kSignedAmount,         // x+n: C or D, then digits
};

enum class Padding : std::uint8_t {
  kLeftZero,    // short digits of a fixed element, and the odd digit of BCD
  kRightF,      // BCD only: the odd digit is followed by a nibble 15
  kRightSpace,  // short text of a fixed element
};

struct Element {
  bool defined = false;
  Content content = Content::kNumeric;
  Encoding encoding = Encoding::kAscii;
  Encoding length_encoding = Encoding::kAscii;
  Padding padding = Padding::kLeftZero;
  std::uint8_t length_digits = 0;  // 0: fixed, 2: LLVAR, 3: LLLVAR
  // Of the value: characters; bytes for b; digits without the sign for x+n. Exact when fixed, else the most.
  std::uint16_t length = 0;
};

struct Specification {
  std::string name;
  char version = '0';  // first digit of every message type: 0 is 1987, 1 is 1993, 2 is 2003
  Encoding message_type = Encoding::kAscii;
  Encoding bitmap = Encoding::kBinary;
  std::array<Element, kLastElement + 1> elements;  // by number; 0, 1 and 65 are never defined
  std::array<std::string, kLastElement + 1> titles;
};

[[nodiscard]] tl::expected<Specification, yaml::Complaint> parse_specification(std::string_view text);

struct ShippedSpecification {
  std::string_view name;
  std::string_view text;  // YAML
};
[[nodiscard]] std::span<const ShippedSpecification> shipped_specifications() noexcept;

// The shipped one of that name; else the file at `name`, relative to `folder`. The sentence of a failure
// names the file with line and column, or the nearest shipped name.
[[nodiscard]] Outcome<std::shared_ptr<const Specification>> load_specification(std::string_view name,
                                                                               std::string_view folder);

}  // namespace fluxrig::gear::iso8583
