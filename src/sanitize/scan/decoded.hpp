// Other ways to write the same characters. Each decoder reads a whole text one way and tells for every
// character where it came from; what does not decode becomes kNoCharacter, which ends a number. Any thread;
// values only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fluxrig::sanitize {

inline constexpr char kNoCharacter = '\x01';

struct Decoded {
  struct Place {
    std::uint32_t begin;
    std::uint32_t end;
  };
  std::string text;
  std::vector<Place> places;  // one for each character: its bytes in the source

  void clear() noexcept {
    text.clear();
    places.clear();
  }
  void add(char c, std::size_t begin, std::size_t end) {
    text.push_back(c);
    places.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
  }
};

// All append nothing to what `out` held before: they clear it. Sources are under 4 GiB.
void decode_percent(std::string_view source, Decoded& out);  // %34, RFC 3986
void decode_escapes(std::string_view source, Decoded& out);  // \u0034 (RFC 8259) and \x34
void decode_hex(std::string_view source, unsigned phase,
                Decoded& out);  // pairs from digit `phase` (0, 1) of each run
enum class Order { kLittleEndian, kBigEndian };
void decode_utf16(std::string_view source, Order order, unsigned phase, Decoded& out);
void decode_ebcdic(std::string_view source, Decoded& out);  // what code pages 037, 500 and 1047 share
void decode_packed_digits(std::string_view source,
                          Decoded& out);  // two a byte: two characters with one place

// The run of base64 letters (either alphabet, line breaks inside allowed) around `at`; empty when none stands
// there.
struct Run {
  std::size_t begin = 0;
  std::size_t end = 0;
};
[[nodiscard]] Run base64_run(std::string_view source, std::size_t at) noexcept;
// `phase` letters (0 to 3) are skipped: the run may hold more in front of the encoded text.
void decode_base64(std::string_view source, Run run, unsigned phase, Decoded& out);

}  // namespace fluxrig::sanitize
