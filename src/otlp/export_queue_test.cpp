#include "otlp/export_queue.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace fluxrig::otlp {
namespace {

ExportRequest of(std::size_t bytes, std::uint64_t items) { return {std::string(bytes, 'x'), items}; }

std::uint64_t total(const ExportCounters::Counter& counter) { return counter.load(); }

TEST(ExportQueue, GivesTheOldestFirst) {
  ExportCounters counters;
  ExportQueue queue(1'000, counters);
  queue.offer(of(10, 1));
  queue.offer(of(20, 2));
  EXPECT_EQ(queue.take()->items, 1U);
  EXPECT_EQ(queue.take()->items, 2U);
  EXPECT_FALSE(queue.take());
  EXPECT_EQ(total(counters.offered), 3U);
}

TEST(ExportQueue, TheOldestMakeRoomAndAreCounted) {
  ExportCounters counters;
  ExportQueue queue(100, counters);
  for (std::uint64_t items = 1; items <= 4; ++items) queue.offer(of(40, items));
  EXPECT_EQ(counters.drops(ExportDrop::kQueueFull), 1U + 2U);
  EXPECT_EQ(queue.bytes(), 80U);
  EXPECT_EQ(queue.take()->items, 3U);
}

TEST(ExportQueue, WhatIsOnItsWayStaysCountedAndIsNeverEvicted) {
  ExportCounters counters;
  ExportQueue queue(100, counters);
  queue.offer(of(60, 1));
  const auto taken = queue.take();
  EXPECT_EQ(queue.bytes(), 60U);
  queue.offer(of(50, 2));  // would fit if the other had gone
  EXPECT_EQ(counters.drops(ExportDrop::kQueueFull), 2U);
  queue.release();
  EXPECT_EQ(queue.bytes(), 0U);
  queue.offer(of(50, 3));
  EXPECT_EQ(queue.take()->items, 3U);
}

TEST(ExportQueue, RequestsOverTheirLimitAreOversize) {
  ExportCounters counters;
  ExportQueue small(100, counters);
  small.offer(of(101, 5));
  EXPECT_EQ(counters.drops(ExportDrop::kOversize), 5U);
  ExportQueue large(4 * kMaxRequestBytes, counters);
  large.offer(of(kMaxRequestBytes + 1, 7));
  large.offer(of(kMaxRequestBytes, 9));
  EXPECT_EQ(counters.drops(ExportDrop::kOversize), 12U);
  EXPECT_EQ(large.take()->items, 9U);
}

TEST(ExportQueue, SaturationIsThePartOfItsBytes) {
  ExportCounters counters;
  ExportQueue queue(200, counters);
  EXPECT_EQ(queue.saturation(), 0);
  queue.offer(of(50, 1));
  queue.offer(of(50, 1));
  EXPECT_EQ(queue.saturation(), 0.5);
  (void)queue.take();
  EXPECT_EQ(queue.saturation(), 0.5);
  queue.release();
  EXPECT_EQ(queue.saturation(), 0.25);
}

TEST(ExportQueue, DropAllCountsEverythingThatWaits) {
  ExportCounters counters;
  ExportQueue queue(200, counters);
  queue.offer(of(50, 3));
  queue.offer(of(50, 4));
  queue.drop_all(ExportDrop::kShutdown);
  EXPECT_EQ(counters.drops(ExportDrop::kShutdown), 7U);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.bytes(), 0U);
}

TEST(ExportQueue, EveryItemOfManyThreadsIsTakenOrCounted) {
  ExportCounters counters;
  ExportQueue queue(1'000, counters);
  std::uint64_t taken = 0;
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 3; ++i)
      callers.emplace_back([&queue] {
        for (int n = 0; n < 2'000; ++n) queue.offer(of(static_cast<std::size_t>(n % 97), 1));
      });
    for (int n = 0; n < 1'000; ++n) {
      if (const auto request = queue.take()) taken += request->items;
      queue.release();
    }
  }
  while (const auto request = queue.take()) taken += request->items;
  EXPECT_EQ(total(counters.offered), 6'000U);
  EXPECT_EQ(taken + counters.drops(ExportDrop::kQueueFull), 6'000U);
}

}  // namespace
}  // namespace fluxrig::otlp
