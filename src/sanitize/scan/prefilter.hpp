// One pass over a text that finds the few places worth a closer look, 64 bytes at a time. It may suspect too
// much, never too little: what it passes over holds nothing that the scanner would find (free_text_fuzz.cpp).
// Any thread; values only.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sanitize/scan/decoded.hpp"

namespace fluxrig::sanitize {

struct Suspects {
  // Stretches of digits, separators and bytes above 127 that hold 12 digits at least; ascending.
  std::vector<Run> runs;
  // Where an encoded digit, an encoded separator or the name of a secret may begin (is_trigger); ascending.
  std::vector<std::uint32_t> triggers;
  bool control = false;  // a control character other than tab and line breaks
  bool high = false;     // a byte above 127

  void clear() noexcept {
    runs.clear();
    triggers.clear();
    control = high = false;
  }
};

enum class Instructions { kFastest, kScalar };

void find_suspects(std::string_view text, Instructions instructions, Suspects& out);

// Whether this machine runs the AVX2 form.
[[nodiscard]] bool has_avx2() noexcept;

namespace detail {

struct Masks {
  std::uint64_t digits;
  std::uint64_t run;  // digits, separators, bytes above 127
  std::uint64_t trigger;
};
inline constexpr unsigned kControlFlag = 1;
inline constexpr unsigned kHighFlag = 2;

// Blocks of 64 bytes; two more bytes behind the last one must be readable. Returns the flags seen.
using Classify = unsigned (*)(const char* data, std::size_t blocks, Masks* out) noexcept;
unsigned classify_scalar(const char* data, std::size_t blocks, Masks* out) noexcept;
unsigned classify_avx2(const char* data, std::size_t blocks, Masks* out) noexcept;

}  // namespace detail
}  // namespace fluxrig::sanitize
