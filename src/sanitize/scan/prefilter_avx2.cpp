// The AVX2 form of the prefilter's classes. Compiled for any x86-64 and called only where AVX2 is there.
#include "sanitize/scan/prefilter.hpp"
#include "sanitize/scan/trigger_tables.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

namespace fluxrig::sanitize {
namespace {

#define FLUXRIG_AVX2 __attribute__((target("avx2"), always_inline)) inline

FLUXRIG_AVX2 __m256i load(const char* p) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
FLUXRIG_AVX2 __m256i table(const detail::Nibbles& halves) noexcept {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves.data())));
}
FLUXRIG_AVX2 std::uint32_t high_bits(__m256i v) noexcept {
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(v));
}

// The two halves of 32 characters, and what HalfTables say of them.
struct Halves {
  __m256i low;
  __m256i high;
};
FLUXRIG_AVX2 Halves halves(__m256i v, __m256i mask) noexcept {
  return {_mm256_and_si256(v, mask), _mm256_and_si256(_mm256_srli_epi16(v, 4), mask)};
}
struct Tables {
  __m256i low;
  __m256i high;
};
FLUXRIG_AVX2 Tables tables(const detail::HalfTables& from) noexcept {
  return {table(from.low), table(from.high)};
}
FLUXRIG_AVX2 __m256i look_up(const Tables& from, const Halves& at) noexcept {
  return _mm256_and_si256(_mm256_shuffle_epi8(from.low, at.low), _mm256_shuffle_epi8(from.high, at.high));
}

}  // namespace

bool has_avx2() noexcept { return __builtin_cpu_supports("avx2") != 0; }

__attribute__((target("avx2"))) unsigned detail::classify_avx2(const char* data, std::size_t blocks,
                                                               Masks* out) noexcept {
  const __m256i mask = _mm256_set1_epi8(15);
  const __m256i zero = _mm256_setzero_si256();
  const Tables first = tables(kFirst);
  const Tables second = tables(kSecond);
  const Tables third = tables(kThird);
  const Tables classes = tables(kClass);
  __m256i seen = zero;
  __m256i high = zero;
  for (std::size_t block = 0; block < blocks; ++block) {
    Masks masks{0, 0, 0};
    for (unsigned half = 0; half < 64; half += 32) {
      const char* p = data + block * 64 + half;
      const __m256i v = load(p);
      const Halves at = halves(v, mask);
      const __m256i is = look_up(classes, at);
      const __m256i trigger =
          _mm256_and_si256(_mm256_and_si256(look_up(first, at), look_up(second, halves(load(p + 1), mask))),
                           look_up(third, halves(load(p + 2), mask)));
      seen = _mm256_or_si256(seen, is);
      high = _mm256_or_si256(high, v);
      // The bits of digit, separator and underscore are neighbours: shifted, each becomes the highest.
      const __m256i either = _mm256_or_si256(
          _mm256_or_si256(is, v), _mm256_or_si256(_mm256_slli_epi16(is, 1), _mm256_slli_epi16(is, 2)));
      masks.digits |= std::uint64_t{high_bits(is)} << half;
      masks.run |= std::uint64_t{high_bits(either)} << half;
      masks.trigger |= std::uint64_t{~high_bits(_mm256_cmpeq_epi8(trigger, zero))} << half;
    }
    out[block] = masks;
  }
  const __m256i control = _mm256_and_si256(seen, _mm256_set1_epi8(kControlBits));
  return (high_bits(_mm256_cmpeq_epi8(control, zero)) != ~0U ? kControlFlag : 0U) |
         (high_bits(high) != 0 ? kHighFlag : 0U);
}

}  // namespace fluxrig::sanitize

#else

namespace fluxrig::sanitize {

bool has_avx2() noexcept { return false; }
unsigned detail::classify_avx2(const char* data, std::size_t blocks, Masks* out) noexcept {
  return classify_scalar(data, blocks, out);
}

}  // namespace fluxrig::sanitize

#endif
