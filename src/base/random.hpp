// Randomness, passed in. `Random` is the seam: the system's for ids and jitter, a seeded one for the
// simulator.
#pragma once

#include <bit>
#include <cstdint>

namespace fluxrig {

class Random {
 public:
  virtual ~Random() = default;
  [[nodiscard]] virtual std::uint64_t next() noexcept = 0;
  // Uniform in [0, bound) with a bias under 2^-32 for bounds under 2^32; `bound` 0 gives 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept { return bound == 0 ? 0 : next() % bound; }
};

// xoshiro256++ (Blackman and Vigna). Not for keys. One thread.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) noexcept;
  // Seeded from getrandom(2): ids of different processes differ.
  [[nodiscard]] static SeededRandom from_system();
  // Here, so that whoever holds this type and not the seam makes an id without a call.
  [[nodiscard]] std::uint64_t next() noexcept override {
    const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

 private:
  std::uint64_t state_[4];
};

}  // namespace fluxrig
