// The AVX2 form of the prefilter's classes. Compiled for any x86-64 and called only where AVX2 is there.
#include "sanitize/scan/prefilter.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

namespace fluxrig::sanitize {
namespace {

#define FLUXRIG_AVX2 __attribute__((target("avx2"), always_inline)) inline

FLUXRIG_AVX2 __m256i all(int c) noexcept { return _mm256_set1_epi8(static_cast<char>(c)); }
FLUXRIG_AVX2 __m256i is(__m256i v, int c) noexcept { return _mm256_cmpeq_epi8(v, all(c)); }
FLUXRIG_AVX2 __m256i both(__m256i a, __m256i b) noexcept { return _mm256_and_si256(a, b); }
FLUXRIG_AVX2 __m256i either(__m256i a, __m256i b) noexcept { return _mm256_or_si256(a, b); }
// first <= v <= first + span, unsigned
FLUXRIG_AVX2 __m256i within(__m256i v, int first, int span) noexcept {
  const __m256i offset = _mm256_sub_epi8(v, all(first));
  return _mm256_cmpeq_epi8(_mm256_min_epu8(offset, all(span)), offset);
}
FLUXRIG_AVX2 __m256i load(const char* p) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
FLUXRIG_AVX2 std::uint32_t bits(__m256i v) noexcept {
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(v));
}

FLUXRIG_AVX2 __m256i triggers(__m256i a, const char* p) noexcept {
  const __m256i b = load(p + 1);
  const __m256i c = load(p + 2);
  const __m256i blank = all(0x20);
  const __m256i a_low = either(a, blank);
  const __m256i b_low = either(b, blank);
  const __m256i c_low = either(c, blank);
  const __m256i b_two = is(both(b, all(0xFE)), '2');
  const __m256i c_two = is(both(c, all(0xFE)), '2');
  const __m256i b_high = either(b, all(0x10));
  const __m256i base64 = both(within(a, 'M', 2), either(is(b_high, 'T'), is(b_high, 'z')));
  const __m256i percent = both(is(a, '%'), either(b_two, is(b, '5')));
  const __m256i escape = both(is(a, '\\'), either(is(b_low, 'u'), is(b_low, 'x')));
  const __m256i hex = both(is(a, '2'), both(within(b_low, 'b', 4), either(c_two, is(c, ' '))));
  // 'C' and 'c' only: with 0x20 set, no other byte becomes a letter.
  const __m256i code = both(is(a_low, 'c'), is(b_low, 'v'));
  const __m256i b_i = is(b_low, 'i');
  const __m256i pin = both(is(a_low, 'p'), both(b_i, is(c_low, 'n')));
  const __m256i verification = both(is(a_low, 'r'), both(b_i, is(c_low, 'f')));
  const __m256i security = both(is(a_low, 'e'), both(is(b_low, 'c'), is(c_low, 'u')));
  return either(either(either(base64, percent), either(escape, hex)),
                either(either(code, pin), either(verification, security)));
}

}  // namespace

bool has_avx2() noexcept { return __builtin_cpu_supports("avx2") != 0; }

__attribute__((target("avx2"))) unsigned detail::classify_avx2(const char* data, std::size_t blocks,
                                                               Masks* out) noexcept {
  // The separator with this low nibble; a byte that equals its entry is one.
  const __m256i separators = _mm256_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '+', 0, '-', '.', '/', ' ',
                                              0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '+', 0, '-', '.', '/');
  __m256i control = _mm256_setzero_si256();
  __m256i high = _mm256_setzero_si256();
  for (std::size_t block = 0; block < blocks; ++block) {
    Masks masks{0, 0, 0};
    for (unsigned half = 0; half < 64; half += 32) {
      const char* p = data + block * 64 + half;
      const __m256i v = load(p);
      const __m256i digit = within(v, '0', 9);
      // Bytes above 127 select zero from the table, and zero is no such byte; NUL is excluded by hand.
      const __m256i separator =
          either(_mm256_andnot_si256(is(v, 0), _mm256_cmpeq_epi8(v, _mm256_shuffle_epi8(separators, v))),
                 is(v, '_'));
      high = either(high, v);
      const __m256i below = within(v, 0, 0x1F);
      const __m256i line = either(is(v, '\t'), either(is(v, '\n'), is(v, '\r')));
      control = either(control, _mm256_andnot_si256(line, below));
      masks.digits |= std::uint64_t{bits(digit)} << half;
      masks.run |= std::uint64_t{bits(either(either(digit, separator), v))} << half;
      masks.trigger |= std::uint64_t{bits(triggers(v, p))} << half;
    }
    out[block] = masks;
  }
  return (bits(control) != 0 ? kControlFlag : 0U) | (bits(high) != 0 ? kHighFlag : 0U);
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
