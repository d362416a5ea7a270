#include "tap/histogram.hpp"

#include <cmath>

namespace fluxrig::tap {

const Histogram::Tables Histogram::kTables;

Histogram::Tables::Tables() noexcept {
  constexpr long double kFractionUnit = 4503599627370496.0L;  // 2^52
  for (int k = 0; k < kPerOctave; ++k)
    bound[static_cast<std::size_t>(k)] = static_cast<std::uint64_t>(
        std::floor((std::exp2(static_cast<long double>(k) / kPerOctave) - 1.0L) * kFractionUnit));
  bound[kPerOctave] = UINT64_MAX;
  for (std::size_t top = 0; top < slot.size(); ++top) {
    const std::uint64_t fraction = std::uint64_t{top} << 45;
    std::uint8_t found = 0;
    while (fraction >= bound[found + 1U]) ++found;
    slot[top] = found;
  }
}

Histogram::Histogram() : counts_(new std::atomic<std::uint64_t>[kBuckets]()) {}

model::ExponentialHistogram Histogram::snapshot() const {
  model::ExponentialHistogram out;
  std::size_t low = kBuckets;
  std::size_t high = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    if (counts_[i].load(std::memory_order_relaxed) == 0) continue;
    if (low == kBuckets) low = i;
    high = i;
  }
  out.scale = kScale;
  out.zero_count = zeros_.load(std::memory_order_relaxed);
  out.count = out.zero_count;
  out.sum = static_cast<double>(sum_.load(std::memory_order_relaxed));
  out.max = static_cast<double>(max_.load(std::memory_order_relaxed));
  const auto least = min_.load(std::memory_order_relaxed);
  out.min = least == UINT64_MAX ? 0.0 : static_cast<double>(least);
  if (low == kBuckets) return out;

  // Arithmetic shifts of the index merge two neighbours each, for negative ones as well.
  const int first = static_cast<int>(low) - 1;
  const int last = static_cast<int>(high) - 1;
  int shift = 0;
  while ((last >> shift) - (first >> shift) + 1 > static_cast<int>(kExportBuckets)) ++shift;
  out.scale = kScale - shift;
  out.offset = first >> shift;
  out.buckets.assign(static_cast<std::size_t>((last >> shift) - out.offset) + 1, 0);
  for (std::size_t i = low; i <= high; ++i) {
    const auto count = counts_[i].load(std::memory_order_relaxed);
    out.buckets[static_cast<std::size_t>(((static_cast<int>(i) - 1) >> shift) - out.offset)] += count;
    out.count += count;
  }
  return out;
}

}  // namespace fluxrig::tap
