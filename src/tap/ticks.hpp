// The hot path's clock: raw ticks of the processor's time stamp counter where it is invariant (about 8 ns a
// read), nanoseconds of CLOCK_MONOTONIC otherwise. The reader converts.
#pragma once

#include <cstdint>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "base/clock.hpp"

namespace fluxrig::tap {

struct Ticks {
  std::uint64_t value = 0;
  friend auto operator<=>(Ticks, Ticks) = default;
};

// Any thread. Which clock it reads is decided once, at construction.
class TickSource {
 public:
  TickSource() noexcept;
  // Nanoseconds of that clock instead, which outlives this: for the simulator.
  explicit TickSource(const Clock& clock) noexcept : clock_(&clock), invariant_tsc_(false) {}
  [[nodiscard]] Ticks now() const noexcept {
#if defined(__x86_64__)
    if (invariant_tsc_) return {__rdtsc()};
#endif
    return from_system();
  }
  [[nodiscard]] bool invariant_tsc() const noexcept { return invariant_tsc_; }

 private:
  [[nodiscard]] Ticks from_system() const noexcept;
  const Clock* clock_ = nullptr;
  bool invariant_tsc_;
};

// Ticks to wall time. Anchored again and again, so that a step of the wall clock or a drift of the counter
// shows in new records only. One thread (the pump).
class TickConverter {
 public:
  // Measures the rate over `kFirstCalibration`; later anchors refine it.
  TickConverter(const TickSource& source, const Clock& clock);
  // Takes a new anchor; call at least each second while records come.
  void anchor() noexcept;
  [[nodiscard]] UnixNanos to_unix(Ticks ticks) const noexcept;
  [[nodiscard]] std::int64_t to_nanos(std::uint64_t tick_difference) const noexcept {
    return static_cast<std::int64_t>(static_cast<double>(tick_difference) * nanos_per_tick_);
  }
  [[nodiscard]] std::uint64_t to_ticks(std::int64_t nanos) const noexcept {
    return static_cast<std::uint64_t>(static_cast<double>(nanos) / nanos_per_tick_);
  }

  static constexpr std::int64_t kFirstCalibration = 5 * kNanosPerMilli;

 private:
  struct Anchor {
    Ticks ticks;
    UnixNanos wall;
    MonotonicNanos monotonic;
  };
  [[nodiscard]] Anchor take() const noexcept;

  const TickSource& source_;
  const Clock& clock_;
  Anchor first_;
  Anchor latest_;
  double nanos_per_tick_ = 1.0;
};

}  // namespace fluxrig::tap
