#include "tap/ring.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "base/random.hpp"

namespace fluxrig::tap {
namespace {

bool push(Ring& ring, std::size_t size, std::uint8_t fill) {
  auto* room = ring.reserve(size);
  if (room == nullptr) return false;
  std::memset(room, fill, size);
  ring.commit();
  return true;
}

TEST(Ring, RefusesWhenFullAndTakesAgainAfterRelease) {
  Ring ring(4096);
  std::size_t pushed = 0;
  while (push(ring, 100, 1)) ++pushed;
  EXPECT_EQ(pushed, 4096U / 112U);
  EXPECT_TRUE(ring.more_than_half_full());
  ASSERT_EQ(ring.peek().size(), 100U);
  ring.release();
  EXPECT_TRUE(push(ring, 40, 2));
}

TEST(Ring, RefusesARecordLargerThanHalfOfIt) {
  Ring ring(4096);
  EXPECT_EQ(ring.reserve(3000), nullptr);
}

TEST(Ring, PeekWithoutReleaseGivesTheSameRecord) {
  Ring ring(4096);
  ASSERT_TRUE(push(ring, 24, 9));
  EXPECT_EQ(ring.peek().data(), ring.peek().data());
  EXPECT_FALSE(ring.empty());
  ring.release();
  EXPECT_TRUE(ring.empty());
  EXPECT_TRUE(ring.peek().empty());
}

// Every record arrives once, whole and in order, whatever its size and wherever the buffer ends.
TEST(Ring, CarriesEveryRecordBetweenTwoThreads) {
  constexpr std::uint32_t kRecords = 200'000;
  Ring ring(8192);
  std::thread producer([&] {
    SeededRandom random(3);
    for (std::uint32_t i = 0; i < kRecords;) {
      const std::size_t size = 8 + random.below(300);
      std::uint8_t* room = nullptr;
      while ((room = ring.reserve(size)) == nullptr) std::this_thread::yield();
      std::memset(room, static_cast<int>(i & 0xff), size);
      std::memcpy(room, &i, sizeof i);
      ring.commit();
      ++i;
    }
  });
  SeededRandom random(3);
  std::uint32_t wrong = 0;
  for (std::uint32_t i = 0; i < kRecords; ++i) {
    ByteView record;
    while ((record = ring.peek()).empty()) std::this_thread::yield();
    std::uint32_t number = 0;
    std::memcpy(&number, record.data(), sizeof number);
    const std::size_t size = 8 + random.below(300);
    if (number != i || record.size() != size ||
        record.back() != static_cast<std::uint8_t>(size > 4 ? i & 0xff : 0))
      ++wrong;
    ring.release();
  }
  producer.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_TRUE(ring.empty());
}

}  // namespace
}  // namespace fluxrig::tap
