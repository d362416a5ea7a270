#include "base/random.hpp"

#include <sys/random.h>

#include "base/assert.hpp"

namespace fluxrig {

SeededRandom::SeededRandom(std::uint64_t seed) noexcept {
  // splitmix64 spreads a small seed over the whole state, as the authors of xoshiro advise.
  for (auto& word : state_) {
    seed += 0x9e3779b97f4a7c15U;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    word = z ^ (z >> 31);
  }
}

SeededRandom SeededRandom::from_system() {
  SeededRandom random(0);
  const auto got = ::getrandom(random.state_, sizeof random.state_, 0);
  FR_ASSERT(got == static_cast<ssize_t>(sizeof random.state_));
  return random;
}

}  // namespace fluxrig
