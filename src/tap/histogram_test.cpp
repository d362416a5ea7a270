#include "tap/histogram.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.hpp"

namespace fluxrig::tap {
namespace {

// The definition, in long double: the smallest i with value <= base^(i+1).
int reference_index(std::uint64_t value) {
  const long double exact = std::log2(static_cast<long double>(value)) * Histogram::kPerOctave;
  return static_cast<int>(std::ceil(exact)) - 1;
}

TEST(Histogram, IndexMatchesTheDefinitionForRandomValues) {
  SeededRandom random(6);
  for (int i = 0; i < 300'000; ++i) {
    // Up to 2^53, where a double still holds every integer.
    const std::uint64_t value = 1 + (random.next() >> (11 + random.below(53)));
    ASSERT_EQ(Histogram::index_of(value), reference_index(value)) << value;
  }
}

TEST(Histogram, APowerOfTwoBelongsToTheOctaveBelow) {
  for (int power = 0; power < 63; ++power)
    EXPECT_EQ(Histogram::index_of(std::uint64_t{1} << power), power * Histogram::kPerOctave - 1) << power;
}

TEST(Histogram, SnapshotKeepsCountSumAndRange) {
  Histogram histogram;
  for (const std::uint64_t value : {0U, 1U, 100U, 100U, 5'000U}) histogram.record(value);
  const auto snapshot = histogram.snapshot();
  EXPECT_EQ(snapshot.count, 5U);
  EXPECT_EQ(snapshot.zero_count, 1U);
  EXPECT_EQ(snapshot.sum, 5201.0);
  EXPECT_EQ(snapshot.min, 0.0);
  EXPECT_EQ(snapshot.max, 5000.0);
}

TEST(Histogram, DownscalesUntilTheRangeFitsAndKeepsEachValueInItsBucket) {
  Histogram histogram;
  SeededRandom random(7);
  for (int i = 0; i < 10'000; ++i) histogram.record(1 + (random.next() >> (20 + random.below(40))));
  const auto snapshot = histogram.snapshot();
  EXPECT_LE(snapshot.buckets.size(), Histogram::kExportBuckets);
  EXPECT_LT(snapshot.scale, Histogram::kScale);
  std::uint64_t total = 0;
  for (const auto bucket : snapshot.buckets) total += bucket;
  EXPECT_EQ(total, 10'000U);

  // The largest value must lie inside the last bucket's bounds at the exported scale.
  const double base = std::exp2(std::exp2(-snapshot.scale));
  const double upper = std::pow(base, snapshot.offset + static_cast<int>(snapshot.buckets.size()));
  EXPECT_LE(snapshot.max, upper * 1.0000001);
  EXPECT_GT(snapshot.max, upper / base * 0.9999999);
}

TEST(Histogram, AnEmptyOneHasNoBuckets) {
  const auto snapshot = Histogram().snapshot();
  EXPECT_EQ(snapshot.count, 0U);
  EXPECT_TRUE(snapshot.buckets.empty());
}

}  // namespace
}  // namespace fluxrig::tap
