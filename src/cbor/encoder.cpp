#include "cbor/encoder.hpp"

#include <array>
#include <bit>
#include <cmath>

#include "base/utf8.hpp"

namespace fluxrig::cbor {
namespace {

constexpr std::uint8_t kUnsignedMajor = 0;
constexpr std::uint8_t kNegativeMajor = 1;
constexpr std::uint8_t kBytesMajor = 2;
constexpr std::uint8_t kTextMajor = 3;
constexpr std::uint8_t kArrayMajor = 4;
constexpr std::uint8_t kMapMajor = 5;
constexpr std::uint8_t kFalse = 0xf4;
constexpr std::uint8_t kTrue = 0xf5;
constexpr std::uint8_t kNull = 0xf6;
constexpr std::uint8_t kFloat64 = 0xfb;
constexpr std::uint8_t kUnsigned32 = 0x1a;
// One pattern for every NaN: equal values have equal bytes (RFC 8949, section 4.2.2).
constexpr std::uint64_t kCanonicalNan = 0x7ff8000000000000U;
constexpr std::string_view kReplacement = "\xef\xbf\xbd";

void append(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

std::string replace_malformed(std::string_view value) {
  std::string text;
  text.reserve(value.size() + kReplacement.size());
  while (!value.empty()) {
    const std::size_t good = utf8_prefix(value);
    text += value.substr(0, good);
    value.remove_prefix(good);
    if (value.empty()) break;
    text += kReplacement;
    value.remove_prefix(1);
  }
  return text;
}

}  // namespace

void Encoder::head(std::uint8_t major, std::uint64_t argument) {
  const auto initial = static_cast<std::uint8_t>(major << 5);
  if (argument < 24) {
    out_.push_back(static_cast<std::uint8_t>(initial | argument));
    return;
  }
  std::array<std::uint8_t, 9> bytes;
  std::size_t size = 0;
  if (argument <= 0xff) {
    bytes[0] = initial | 24;
    bytes[1] = static_cast<std::uint8_t>(argument);
    size = 2;
  } else if (argument <= 0xffff) {
    bytes[0] = initial | 25;
    store_be16(bytes.data() + 1, static_cast<std::uint16_t>(argument));
    size = 3;
  } else if (argument <= 0xffffffffU) {
    bytes[0] = initial | 26;
    store_be32(bytes.data() + 1, static_cast<std::uint32_t>(argument));
    size = 5;
  } else {
    bytes[0] = initial | 27;
    store_be64(bytes.data() + 1, argument);
    size = 9;
  }
  append(out_, {bytes.data(), size});
}

void Encoder::unsigned_integer(std::uint64_t value) { head(kUnsignedMajor, value); }

void Encoder::integer(std::int64_t value) {
  if (value >= 0) return head(kUnsignedMajor, static_cast<std::uint64_t>(value));
  head(kNegativeMajor, ~static_cast<std::uint64_t>(value));  // -1 - value, without overflow
}

void Encoder::bytes(ByteView value) {
  head(kBytesMajor, value.size());
  append(out_, value);
}

void Encoder::text(std::string_view value) {
  if (!is_utf8(value)) {
    const std::string repaired = replace_malformed(value);
    head(kTextMajor, repaired.size());
    return append(out_, as_bytes(repaired));
  }
  head(kTextMajor, value.size());
  append(out_, as_bytes(value));
}

void Encoder::array(std::size_t items) { head(kArrayMajor, items); }
void Encoder::map(std::size_t entries) { head(kMapMajor, entries); }
void Encoder::boolean(bool value) { out_.push_back(value ? kTrue : kFalse); }
void Encoder::null() { out_.push_back(kNull); }

void Encoder::float64(double value) {
  std::array<std::uint8_t, 9> bytes;
  bytes[0] = kFloat64;
  store_be64(bytes.data() + 1, std::isnan(value) ? kCanonicalNan : std::bit_cast<std::uint64_t>(value));
  append(out_, bytes);
}

void Encoder::fixed32(std::uint32_t value) {
  std::array<std::uint8_t, 5> bytes;
  bytes[0] = kUnsigned32;
  store_be32(bytes.data() + 1, value);
  append(out_, bytes);
}

void Encoder::raw(ByteView encoded) { append(out_, encoded); }

}  // namespace fluxrig::cbor
