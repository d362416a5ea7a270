// The ways in which a number may hide, for tests. Written apart from the decoders on purpose.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace fluxrig::sanitize {

struct TestEncoding {
  std::string_view name;
  std::function<std::string(std::string_view)> encode;
  // Bytes that no text has: stands in binary surroundings only.
  bool binary = false;
};

inline std::string each_digit(std::string_view digits, const std::function<std::string(char)>& encode) {
  std::string out;
  for (const char c : digits) out += encode(c);
  return out;
}

inline std::string in_groups(std::string_view digits, std::size_t size, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < digits.size(); i += size) {
    if (i > 0) out += separator;
    out += digits.substr(i, size);
  }
  return out;
}

inline std::string hex_of(std::string_view text) { return to_hex(as_bytes(text)); }

inline std::string base64_of(std::string_view text, std::string_view letters) {
  std::string out;
  unsigned bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    bits = (bits << 8) | static_cast<unsigned char>(c);
    held += 8;
    while (held >= 6) {
      held -= 6;
      out.push_back(letters[(bits >> held) & 63]);
    }
  }
  if (held > 0) out.push_back(letters[(bits << (6 - held)) & 63]);
  return out;
}
inline constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
inline constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

inline std::string packed(std::string_view digits, bool shifted) {
  std::string nibbles(shifted ? "C" : "");
  nibbles += digits;
  if (nibbles.size() % 2 != 0) nibbles += 'F';
  const auto bytes = from_hex(nibbles);
  return std::string(as_text(*bytes));
}

inline std::string big_endian(std::string_view digits) {
  std::uint8_t bytes[8];
  store_be64(bytes, std::stoull(std::string(digits)));
  return std::string(as_text({bytes, sizeof bytes}));
}

inline std::vector<TestEncoding> test_encodings() {
  const auto groups = [](std::size_t size, std::string_view separator) {
    return [=](std::string_view d) { return in_groups(d, size, separator); };
  };
  const auto digits = [](const std::function<std::string(char)>& encode) {
    return [=](std::string_view d) { return each_digit(d, encode); };
  };
  return {
      {"plain", [](std::string_view d) { return std::string(d); }},
      {"blanks", groups(4, " ")},
      {"hyphens", groups(4, "-")},
      {"points", groups(4, ".")},
      {"double blanks", groups(4, "  ")},
      {"no-break blanks", groups(4, "\xC2\xA0")},
      {"en dashes", groups(4, "\xE2\x80\x93")},
      {"groups of six", groups(6, " ")},
      {"single digits", groups(1, " ")},
      {"length prefix", [](std::string_view d) { return std::to_string(d.size()) + std::string(d); }},
      {"zero padded", [](std::string_view d) { return std::string(19 - d.size(), '0') + std::string(d); }},
      {"percent", digits([](char c) {
         return "%" + hex_of({&c, 1});
       })},
      {"percent blanks", groups(4, "%20")},
      {"percent hyphens", groups(4, "%2D")},
      {"json escapes", digits([](char c) {
         return "\\u00" + hex_of({&c, 1});
       })},
      {"json escapes twice", digits([](char c) {
         return "\\\\u00" + hex_of({&c, 1});
       })},
      {"json hyphens", groups(4, "\\u002d")},
      {"x escapes", digits([](char c) {
         return "\\x" + hex_of({&c, 1});
       })},
      {"hex", [](std::string_view d) { return hex_of(d); }},
      {"hex of groups", [](std::string_view d) { return hex_of(in_groups(d, 4, "-")); }},
      {"hex dump", [](std::string_view d) { return in_groups(hex_of(d), 2, " "); }},
      {"base64", [](std::string_view d) { return base64_of(d, kBase64); }},
      {"base64 phase 1", [](std::string_view d) { return base64_of("x" + std::string(d), kBase64); }},
      {"base64 phase 2", [](std::string_view d) { return base64_of("x:" + std::string(d) + "\"", kBase64); }},
      {"base64 of groups", [](std::string_view d) { return base64_of(in_groups(d, 4, " "), kBase64); }},
      {"base64 url",
       [](std::string_view d) { return base64_of("~~~" + std::string(d) + "???", kBase64Url); }},
      {"utf-16 le", digits([](char c) {
         return std::string{c, '\0'};
       }),
       true},
      {"utf-16 be", digits([](char c) {
         return std::string{'\0', c};
       }),
       true},
      {"ebcdic", digits([](char c) { return std::string{static_cast<char>(0xC0 + c)}; }), true},
      {"packed", [](std::string_view d) { return packed(d, false); }, true},
      {"packed, shifted", [](std::string_view d) { return packed(d, true); }, true},
  };
}

}  // namespace fluxrig::sanitize
