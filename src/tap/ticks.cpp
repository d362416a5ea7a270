#include "tap/ticks.hpp"

#include <ctime>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace fluxrig::tap {
namespace {

bool has_invariant_tsc() noexcept {
#if defined(__x86_64__)
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  // Leaf 0x80000007, EDX bit 8: the counter runs at one rate in every power state.
  return ::__get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & (1U << 8)) != 0;
#else
  return false;
#endif
}

}  // namespace

TickSource::TickSource() noexcept : invariant_tsc_(has_invariant_tsc()) {}

Ticks TickSource::from_system() const noexcept {
  if (clock_ != nullptr) return {static_cast<std::uint64_t>(clock_->monotonic().value)};
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return {static_cast<std::uint64_t>(time.tv_sec) * kNanosPerSecond +
          static_cast<std::uint64_t>(time.tv_nsec)};
}

TickConverter::TickConverter(const TickSource& source, const Clock& clock) : source_(source), clock_(clock) {
  first_ = take();
  latest_ = first_;
  if (!source_.invariant_tsc()) return;
  // A busy wait: a start-up cost of 5 ms buys a rate that is right to 20 ppm from the first record.
  while (clock_.monotonic().value - first_.monotonic.value < kFirstCalibration) {
  }
  anchor();
}

TickConverter::Anchor TickConverter::take() const noexcept {
  // The middle of two counter reads around the clock reads; a preempted try is taken again.
  Anchor best;
  std::uint64_t least = UINT64_MAX;
  for (int attempt = 0; attempt < 3; ++attempt) {
    const Ticks before = source_.now();
    const UnixNanos wall = clock_.now();
    const MonotonicNanos monotonic = clock_.monotonic();
    const Ticks after = source_.now();
    const std::uint64_t width = after.value - before.value;
    if (width >= least) continue;
    least = width;
    best = {{before.value + width / 2}, wall, monotonic};
  }
  return best;
}

void TickConverter::anchor() noexcept {
  latest_ = take();
  const auto ticks = latest_.ticks.value - first_.ticks.value;
  const auto nanos = latest_.monotonic.value - first_.monotonic.value;
  if (source_.invariant_tsc() && ticks != 0 && nanos >= kFirstCalibration)
    nanos_per_tick_ = static_cast<double>(nanos) / static_cast<double>(ticks);
}

UnixNanos TickConverter::to_unix(Ticks ticks) const noexcept {
  const auto difference = static_cast<double>(static_cast<std::int64_t>(ticks.value - latest_.ticks.value));
  return {latest_.wall.value + static_cast<std::int64_t>(difference * nanos_per_tick_)};
}

}  // namespace fluxrig::tap
