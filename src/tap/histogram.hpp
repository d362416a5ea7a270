// Base-2 exponential histogram of unsigned values (nanoseconds, bytes), recorded at scale 6: 64 buckets an
// octave, 1.1 % wide, exact at every boundary (OpenTelemetry data model, "exponential histogram"). Recording
// is a table look-up and a compare, no logarithm. One writer; any reader: counts are relaxed, a snapshot may
// miss the latest.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>

#include "model/records.hpp"

namespace fluxrig::tap {

class Histogram {
 public:
  static constexpr int kScale = 6;
  static constexpr int kPerOctave = 1 << kScale;
  static constexpr std::size_t kExportBuckets = 160;  // at most, by downscaling
  // Index -1 (the value 1) to 64 octaves.
  static constexpr std::size_t kBuckets = 64 * kPerOctave + 1;

  Histogram();

  // Writer. A value of 0 goes to the zero count.
  void record(std::uint64_t value) noexcept {
    const int slot = index_of(value) + 1;
    bump(value == 0 ? zeros_ : counts_[static_cast<std::size_t>(slot)]);
    sum_.store(sum_.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
    if (value < min_.load(std::memory_order_relaxed)) min_.store(value, std::memory_order_relaxed);
    if (value > max_.load(std::memory_order_relaxed)) max_.store(value, std::memory_order_relaxed);
  }

  // Any thread. At the largest scale up to kScale with which the used range fits into kExportBuckets.
  [[nodiscard]] model::ExponentialHistogram snapshot() const;

  // The bucket (base^i, base^(i+1)] of `value` >= 1, base 2^(1/64).
  [[nodiscard]] static int index_of(std::uint64_t value) noexcept {
    // Minus one: upper bounds belong to their bucket, so a power of two sits in the octave below.
    const std::uint64_t bits = std::bit_cast<std::uint64_t>(static_cast<double>(value)) - 1;
    const int exponent = static_cast<int>(bits >> 52) - 1023;
    const std::uint64_t fraction = bits & ((std::uint64_t{1} << 52) - 1);
    const Tables& tables = kTables;
    unsigned slot = tables.slot[fraction >> 45];
    slot += fraction >= tables.bound[slot + 1] ? 1U : 0U;
    return exponent * kPerOctave + static_cast<int>(slot);
  }

 private:
  // bound[k]: fraction bits of 2^(k/64), rounded down; slot[t]: the slot of the first fraction whose top 7
  // bits are t. Boundaries are further apart than 1/128, so one compare finishes.
  struct Tables {
    std::array<std::uint64_t, kPerOctave + 1> bound;
    std::array<std::uint8_t, 128> slot;
    Tables() noexcept;
  };
  static const Tables kTables;

  static void bump(std::atomic<std::uint64_t>& counter) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  // 32 KiB of address space; only the pages of buckets in use become resident.
  std::unique_ptr<std::atomic<std::uint64_t>[]> counts_;
  std::atomic<std::uint64_t> zeros_{0};
  std::atomic<std::uint64_t> sum_{0};
  std::atomic<std::uint64_t> min_{UINT64_MAX};
  std::atomic<std::uint64_t> max_{0};
};

}  // namespace fluxrig::tap
