#include "lane/telemetry_queue.hpp"

#include <gtest/gtest.h>

namespace fluxrig::lane {
namespace {

class TelemetryQueueTest : public ::testing::Test {
 protected:
  Bytes record(std::size_t size) { return Bytes(size, 7); }
  ManualClock clock_;
  DropCounters drops_;
  TelemetryQueue queue_{
      clock_, drops_, {.queue_bytes = 1000, .batch_bytes = 100, .batch_age = 50, .record_bytes = 400}};
};

TEST_F(TelemetryQueueTest, ClosesABatchBySize) {
  queue_.offer(record(60));
  EXPECT_FALSE(queue_.ready());
  queue_.offer(record(60));
  ASSERT_TRUE(queue_.ready());
  const auto batch = queue_.take(false);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->count, 2U);
  EXPECT_EQ(batch->records.size(), 120U);
  EXPECT_EQ(queue_.queued_bytes(), 0U);
}

TEST_F(TelemetryQueueTest, ClosesABatchByAge) {
  queue_.offer(record(10));
  EXPECT_FALSE(queue_.take(false));
  clock_.advance(50);
  EXPECT_TRUE(queue_.ready());
  EXPECT_TRUE(queue_.take(false));
}

TEST_F(TelemetryQueueTest, FlushTakesTheOpenBatch) {
  queue_.offer(record(10));
  EXPECT_TRUE(queue_.take(true));
  EXPECT_FALSE(queue_.take(true));
}

// Promise 5: produced = taken + counted drops, exactly.
TEST_F(TelemetryQueueTest, CountsEveryRecordThatItDoesNotTake) {
  for (int i = 0; i < 50; ++i) queue_.offer(record(90));
  queue_.offer(record(401));
  std::uint64_t taken = 0;
  while (const auto batch = queue_.take(true)) taken += batch->count;
  EXPECT_GT(drops_.count(DropCause::kQueueFull), 0U);
  EXPECT_EQ(drops_.count(DropCause::kOversize), 1U);
  EXPECT_EQ(taken + drops_.count(DropCause::kQueueFull), 50U);
  EXPECT_EQ(queue_.accepted(), taken);
}

}  // namespace
}  // namespace fluxrig::lane
