#include <gtest/gtest.h>

#include <set>

#include "base/random.hpp"
#include "sink/sink.hpp"

namespace fluxrig::sink {
namespace {

TEST(SequenceRanges, JoinsNeighboursAndOverlaps) {
  SequenceRanges ranges;
  ranges.add({1}, {4});
  ranges.add({8}, {9});
  ranges.add({5}, {6});
  EXPECT_EQ(ranges.ranges().size(), 2U);
  ranges.add({6}, {8});
  ASSERT_EQ(ranges.ranges().size(), 1U);
  EXPECT_EQ(ranges.ranges()[0], (std::pair{Sequence{1}, Sequence{9}}));
}

TEST(SequenceRanges, HoldsBothEndsOfTheNumberSpace) {
  SequenceRanges ranges;
  ranges.add({0}, {0});
  ranges.add({UINT64_MAX}, {UINT64_MAX});
  EXPECT_EQ(ranges.ranges().size(), 2U);
  EXPECT_TRUE(ranges.contains({UINT64_MAX}));
  ranges.add({1}, {UINT64_MAX - 1});
  ASSERT_EQ(ranges.ranges().size(), 1U);
  EXPECT_TRUE(ranges.contains({0}, {UINT64_MAX}));
}

TEST(SequenceRanges, IsEmptyAtFirst) {
  const SequenceRanges ranges;
  EXPECT_FALSE(ranges.contains({1}));
  EXPECT_FALSE(ranges.intersects({0}, {UINT64_MAX}));
}

TEST(SequenceRanges, AgreesWithASetOfNumbers) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    SequenceRanges ranges;
    std::set<std::uint64_t> numbers;
    for (int step = 0; step < 40; ++step) {
      const auto first = random.below(120);
      const auto last = first + random.below(8);
      ranges.add({first}, {last});
      for (auto one = first; one <= last; ++one) numbers.insert(one);
      const auto from = random.below(125);
      const auto to = from + random.below(10);
      bool all = true;
      bool any = false;
      for (auto one = from; one <= to; ++one) {
        const bool present = numbers.contains(one);
        all = all && present;
        any = any || present;
      }
      ASSERT_EQ(ranges.contains({from}, {to}), all);
      ASSERT_EQ(ranges.intersects({from}, {to}), any);
    }
    std::size_t total = 0;
    for (std::size_t i = 0; i < ranges.ranges().size(); ++i) {
      const auto [first, last] = ranges.ranges()[i];
      total += last.value - first.value + 1;
      if (i > 0) {
        ASSERT_GT(first.value, ranges.ranges()[i - 1].second.value + 1);
      }
    }
    ASSERT_EQ(total, numbers.size());
  }
}

}  // namespace
}  // namespace fluxrig::sink
