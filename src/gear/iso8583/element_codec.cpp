#include "gear/iso8583/element_codec.hpp"

#include "gear/iso8583/character_class.hpp"
#include "gear/iso8583/ebcdic.hpp"

namespace fluxrig::gear::iso8583 {

namespace {

constexpr char kUpperHex[] = "0123456789ABCDEF";
constexpr std::uint8_t kTrackNibble = 0xD;
constexpr std::uint8_t kPadNibble = 0xF;

// 16 when it is no hex digit.
constexpr std::array<std::uint8_t, 256> kHexValue = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(16);
  for (std::uint8_t i = 0; i < 10; ++i) values['0' + i] = i;
  for (std::uint8_t i = 0; i < 6; ++i) values['A' + i] = values['a' + i] = static_cast<std::uint8_t>(10 + i);
  return values;
}();

std::uint8_t to_ascii(Encoding encoding, std::uint8_t byte) {
  return encoding == Encoding::kEbcdic ? kAsciiOfEbcdic[byte] : byte;
}
std::uint8_t from_ascii(Encoding encoding, std::uint8_t character) {
  return encoding == Encoding::kEbcdic ? kEbcdicOfAscii[character] : character;
}

std::size_t prefix_bytes(const Element& element) {
  const bool characters =
      element.length_encoding == Encoding::kAscii || element.length_encoding == Encoding::kEbcdic;
  if (characters) return element.length_digits;
  return element.length_digits == 2 ? 1 : 2;  // bcd: 2 or 4 digits; binary: 1 or 2 bytes
}

Result<std::size_t> decode_length(const Element& element, Cursor& cursor) {
  const std::size_t count = prefix_bytes(element);
  const auto* bytes = cursor.take(count);
  if (bytes == nullptr) return fail(ErrorCode::kTruncated, "the message ends within a length prefix");
  std::size_t length = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (element.length_encoding == Encoding::kBinary) {
      length = length * 256 + bytes[i];
    } else if (element.length_encoding == Encoding::kBcd) {
      if ((bytes[i] >> 4) > 9 || (bytes[i] & 15) > 9)
        return fail(ErrorCode::kInvalid, "a length prefix is not a number");
      length = length * 100 + (bytes[i] >> 4) * 10U + (bytes[i] & 15U);
    } else {
      const std::uint8_t digit = to_ascii(element.length_encoding, bytes[i]);
      if (kClassOf[digit] != kDigit) return fail(ErrorCode::kInvalid, "a length prefix is not a number");
      length = length * 10 + (digit - '0');
    }
  }
  if (length > element.length) return fail(ErrorCode::kOversize, "a value is longer than its element allows");
  return length;
}

void encode_length(const Element& element, std::size_t length, std::string& bytes) {
  if (element.length_encoding == Encoding::kBinary) {
    if (element.length_digits == 3) bytes.push_back(static_cast<char>(length >> 8));
    bytes.push_back(static_cast<char>(length & 255));
    return;
  }
  char digits[4] = {'0', static_cast<char>('0' + length / 100), static_cast<char>('0' + length / 10 % 10),
                    static_cast<char>('0' + length % 10)};
  const bool bcd = element.length_encoding == Encoding::kBcd;
  const std::size_t count = element.length_digits == 2 ? 2 : (bcd ? 4 : 3);
  encode_digits(element.length_encoding, {digits + 4 - count, count}, bytes);
}

Result<void> decode_bcd(const Element& element, std::size_t count, Cursor& cursor, std::string& value) {
  const auto* bytes = cursor.take((count + 1) / 2);
  if (bytes == nullptr) return fail(ErrorCode::kTruncated, "the message ends within a value");
  const bool odd = count % 2 != 0;
  const bool pad_left = odd && element.padding != Padding::kRightF;
  if (pad_left && (bytes[0] >> 4) != 0)
    return fail(ErrorCode::kInvalid, "the padding of an odd number of digits is not 0");
  if (odd && !pad_left && (bytes[count / 2] & 15) != kPadNibble)
    return fail(ErrorCode::kInvalid, "the padding of an odd number of digits is not F");
  const bool track = element.content == Content::kTrack;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t nibble_index = i + (pad_left ? 1 : 0);
    const std::uint8_t byte = bytes[nibble_index / 2];
    const auto nibble = static_cast<std::uint8_t>(nibble_index % 2 == 0 ? byte >> 4 : byte & 15);
    if (nibble <= 9) {
      value.push_back(static_cast<char>('0' + nibble));
    } else if (track && nibble == kTrackNibble) {
      value.push_back('=');
    } else {
      return fail(ErrorCode::kInvalid, "a value holds a nibble that its format does not allow");
    }
  }
  return {};
}

Result<void> decode_binary(const Element& element, std::size_t count, Cursor& cursor, std::string& value) {
  const bool raw = element.encoding == Encoding::kBinary;
  const auto* bytes = cursor.take(raw ? count : count * 2);
  if (bytes == nullptr) return fail(ErrorCode::kTruncated, "the message ends within a value");
  if (raw) {
    for (std::size_t i = 0; i < count; ++i) {
      value.push_back(kUpperHex[bytes[i] >> 4]);
      value.push_back(kUpperHex[bytes[i] & 15]);
    }
    return {};
  }
  for (std::size_t i = 0; i < count * 2; ++i) {
    const std::uint8_t digit = kHexValue[to_ascii(element.encoding, bytes[i])];
    if (digit > 15) return fail(ErrorCode::kInvalid, "a binary value is not written in hex digits");
    value.push_back(kUpperHex[digit]);
  }
  return {};
}

Result<void> decode_characters(Encoding encoding, std::uint8_t allowed, std::size_t count, Cursor& cursor,
                               std::string& value) {
  const auto* bytes = cursor.take(count);
  if (bytes == nullptr) return fail(ErrorCode::kTruncated, "the message ends within a value");
  const std::size_t start = value.size();
  value.resize(start + count);
  std::uint8_t refused = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t character = to_ascii(encoding, bytes[i]);
    refused |= (kClassOf[character] & allowed) == 0;
    value[start + i] = static_cast<char>(character);
  }
  if (refused != 0) {
    value.resize(start);
    return fail(ErrorCode::kInvalid, "a value holds a character that its format does not allow");
  }
  return {};
}

Result<void> decode_sign(const Element& element, Cursor& cursor, std::string& value) {
  const auto* byte = cursor.take(1);
  if (byte == nullptr) return fail(ErrorCode::kTruncated, "the message ends within a value");
  const std::uint8_t sign = to_ascii(element.encoding, *byte);
  if (sign != 'C' && sign != 'D')
    return fail(ErrorCode::kInvalid, "the sign of an amount is neither C nor D");
  value.push_back(static_cast<char>(sign));
  return {};
}

Result<void> encode_binary(const Element& element, std::string_view value, std::string& bytes) {
  for (const char c : value)
    if (kHexValue[static_cast<std::uint8_t>(c)] > 15)
      return fail(ErrorCode::kInvalid, "a binary value is not written in hex digits");
  if (element.encoding == Encoding::kBinary) {
    for (std::size_t i = 0; i + 1 < value.size(); i += 2) {
      const auto high = kHexValue[static_cast<std::uint8_t>(value[i])];
      const auto low = kHexValue[static_cast<std::uint8_t>(value[i + 1])];
      bytes.push_back(static_cast<char>(high << 4 | low));
    }
    return {};
  }
  for (const char c : value) {
    const char upper = kUpperHex[kHexValue[static_cast<std::uint8_t>(c)]];
    bytes.push_back(static_cast<char>(from_ascii(element.encoding, static_cast<std::uint8_t>(upper))));
  }
  return {};
}

// `value` is checked: digits, or '=' and 'D' in a track. `zeros` of padding come first, `spaces` last.
void encode_bcd(const Element& element, std::size_t zeros, std::string_view value, std::string& bytes) {
  const std::size_t count = zeros + value.size();
  const bool odd = count % 2 != 0;
  const std::size_t shift = odd && element.padding != Padding::kRightF ? 1 : 0;
  const std::size_t start = bytes.size();
  bytes.resize(start + (count + 1) / 2, '\0');
  if (odd && shift == 0) bytes.back() = static_cast<char>(kPadNibble);
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const unsigned nibble = c >= '0' && c <= '9' ? static_cast<unsigned>(c - '0') : kTrackNibble;
    const std::size_t index = shift + zeros + i;
    auto& byte = bytes[start + index / 2];
    byte = static_cast<char>(static_cast<std::uint8_t>(byte) | (index % 2 == 0 ? nibble << 4 : nibble));
  }
}

bool all_of_class(std::string_view value, std::uint8_t allowed) {
  for (const char c : value)
    if ((kClassOf[static_cast<std::uint8_t>(c)] & allowed) == 0) return false;
  return true;
}

}  // namespace

Result<void> decode_value(const Element& element, Cursor& cursor, std::string& value) {
  std::size_t count = element.length;
  if (element.length_digits != 0) {
    const auto length = decode_length(element, cursor);
    if (!length) return tl::unexpected(length.error());
    count = *length;
  }
  if (element.content == Content::kBinary) return decode_binary(element, count, cursor, value);
  if (element.content == Content::kSignedAmount) {
    if (auto sign = decode_sign(element, cursor, value); !sign) return sign;
  }
  if (element.encoding == Encoding::kBcd) return decode_bcd(element, count, cursor, value);
  return decode_characters(element.encoding, allowed_classes(element.content), count, cursor, value);
}

Result<void> encode_value(const Element& element, std::string_view value, std::string& bytes) {
  if (element.content == Content::kSignedAmount) {
    if (value.empty() || (value[0] != 'C' && value[0] != 'D'))
      return fail(ErrorCode::kInvalid, "the sign of an amount is neither C nor D");
    bytes.push_back(static_cast<char>(from_ascii(element.encoding, static_cast<std::uint8_t>(value[0]))));
    value.remove_prefix(1);
  }
  const bool binary = element.content == Content::kBinary;
  if (binary && value.size() % 2 != 0)
    return fail(ErrorCode::kInvalid, "a binary value has an odd number of hex digits");
  const std::size_t count = binary ? value.size() / 2 : value.size();
  if (count > element.length) return fail(ErrorCode::kOversize, "a value is longer than its element allows");
  const bool fixed = element.length_digits == 0;
  if (fixed && count == 0) return fail(ErrorCode::kInvalid, "a value of fixed length is empty");
  if (!fixed) encode_length(element, count, bytes);
  const std::size_t missing = fixed ? element.length - count : 0;
  if (binary) {
    if (missing != 0) return fail(ErrorCode::kInvalid, "a binary value is shorter than its element");
    return encode_binary(element, value, bytes);
  }
  if (!all_of_class(value, allowed_classes(element.content)))
    return fail(ErrorCode::kInvalid, "a value holds a character that its format does not allow");
  if (missing != 0 && element.content == Content::kTrack)
    return fail(ErrorCode::kInvalid, "a track is shorter than its element");
  const bool digits = element.content == Content::kNumeric || element.content == Content::kSignedAmount;
  if (element.encoding == Encoding::kBcd) {
    encode_bcd(element, missing, value, bytes);
    return {};
  }
  if (digits) bytes.append(missing, static_cast<char>(from_ascii(element.encoding, '0')));
  for (const char c : value)
    bytes.push_back(static_cast<char>(from_ascii(element.encoding, static_cast<std::uint8_t>(c))));
  if (!digits) bytes.append(missing, static_cast<char>(from_ascii(element.encoding, ' ')));
  return {};
}

Result<void> decode_digits(Encoding encoding, std::size_t count, Cursor& cursor, std::string& digits) {
  if (encoding == Encoding::kBcd) return decode_bcd(Element{}, count, cursor, digits);
  return decode_characters(encoding, kDigit, count, cursor, digits);
}

void encode_digits(Encoding encoding, std::string_view digits, std::string& bytes) {
  if (encoding == Encoding::kBcd) return encode_bcd(Element{}, 0, digits, bytes);
  for (const char c : digits)
    bytes.push_back(static_cast<char>(from_ascii(encoding, static_cast<std::uint8_t>(c))));
}

Result<std::uint64_t> decode_bitmap(Encoding encoding, Cursor& cursor) {
  const bool raw = encoding == Encoding::kBinary;
  const auto* bytes = cursor.take(raw ? 8 : 16);
  if (bytes == nullptr) return fail(ErrorCode::kTruncated, "the message ends within a bitmap");
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < (raw ? 8U : 16U); ++i) {
    if (raw) {
      bits = bits << 8 | bytes[i];
      continue;
    }
    const std::uint8_t digit = kHexValue[to_ascii(encoding, bytes[i])];
    if (digit > 15) return fail(ErrorCode::kInvalid, "a bitmap is not written in hex digits");
    bits = bits << 4 | digit;
  }
  return bits;
}

void encode_bitmap(Encoding encoding, std::uint64_t bits, std::string& bytes) {
  if (encoding == Encoding::kBinary) {
    for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(bits >> shift & 255));
    return;
  }
  for (int shift = 60; shift >= 0; shift -= 4) {
    const char digit = kUpperHex[bits >> shift & 15];
    bytes.push_back(static_cast<char>(from_ascii(encoding, static_cast<std::uint8_t>(digit))));
  }
}

}  // namespace fluxrig::gear::iso8583
