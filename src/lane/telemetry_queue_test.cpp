#include "lane/telemetry_queue.hpp"

#include <gtest/gtest.h>

namespace fluxrig::lane {
namespace {

class TelemetryQueueTest : public ::testing::Test {
 protected:
  void SetUp() override { queue_.begin_epoch({3}); }
  void offer(std::size_t size, model::Signal signal = model::Signal::kSpans) {
    queue_.offer(signal, Bytes(size, 7));
  }
  // What the audit lane would be told now.
  std::vector<model::LedgerStatement> statements() {
    std::vector<model::LedgerStatement> out;
    queue_.finish();
    ledger_.state(clock_, TelemetryLedger::Occasion::kLast, [&](const model::Log& log) {
      out.push_back(*model::ledger_statement(log));
      return true;
    });
    return out;
  }
  ManualClock clock_;
  DropCounters drops_;
  TelemetryLedger ledger_;
  TelemetryQueue queue_{clock_,
                        ledger_,
                        drops_,
                        {.queue_bytes = 1000, .batch_bytes = 100, .batch_age = 50, .record_bytes = 400}};
};

TEST_F(TelemetryQueueTest, ClosesABatchBySize) {
  offer(60);
  EXPECT_FALSE(queue_.ready());
  offer(40);
  ASSERT_TRUE(queue_.ready());
  const auto batch = queue_.take(false);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->count, 2U);
  EXPECT_EQ(batch->records.size(), 100U);
  EXPECT_EQ(queue_.queued_bytes(), 0U);
}

TEST_F(TelemetryQueueTest, ARecordThatWouldMakeABatchTooLargeBeginsTheNext) {
  offer(60);
  offer(41);
  ASSERT_TRUE(queue_.ready());
  EXPECT_EQ(queue_.take(false)->records.size(), 60U);
  EXPECT_FALSE(queue_.ready());
  offer(300);  // larger than a batch: alone
  EXPECT_EQ(queue_.take(false)->records.size(), 41U);
  EXPECT_EQ(queue_.take(false)->records.size(), 300U);
}

TEST_F(TelemetryQueueTest, ClosesABatchAtTheSizeThatTheLinkAsksForWithinItsLimit) {
  queue_.set_batch_bytes(30);
  offer(40);
  EXPECT_TRUE(queue_.take(false));
  queue_.set_batch_bytes(100'000);
  offer(99);
  EXPECT_FALSE(queue_.take(false));
  offer(1);
  EXPECT_TRUE(queue_.take(false));
}

TEST_F(TelemetryQueueTest, ClosesABatchByAge) {
  offer(10);
  EXPECT_FALSE(queue_.take(false));
  clock_.advance(50);
  EXPECT_TRUE(queue_.ready());
  EXPECT_TRUE(queue_.take(false));
}

TEST_F(TelemetryQueueTest, FlushTakesTheOpenBatch) {
  offer(10);
  EXPECT_TRUE(queue_.take(true));
  EXPECT_FALSE(queue_.take(true));
}

// Promise 5: produced = taken + counted drops, exactly.
TEST_F(TelemetryQueueTest, CountsEveryRecordThatItDoesNotTake) {
  for (int i = 0; i < 50; ++i) offer(90);
  offer(401);
  std::uint64_t taken = 0;
  while (const auto batch = queue_.take(true)) taken += batch->count;
  EXPECT_GT(drops_.count(DropCause::kQueueFull), 0U);
  EXPECT_EQ(drops_.count(DropCause::kOversize), 1U);
  EXPECT_EQ(taken + drops_.count(DropCause::kQueueFull), 50U);
  EXPECT_EQ(queue_.accepted(), taken);
}

TEST_F(TelemetryQueueTest, SequencesAreGaplessOverWhatIsTakenAndNeverGivenToWhatIsDropped) {
  std::uint64_t next = 1;
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 30; ++i) offer(90);
    while (const auto batch = queue_.take(true)) {
      EXPECT_EQ(batch->epoch, Epoch{3});
      EXPECT_EQ(batch->first, Sequence{next});
      next += batch->count;
    }
  }
  EXPECT_GT(drops_.count(DropCause::kQueueFull), 0U);
  EXPECT_EQ(next - 1, queue_.accepted());
}

TEST_F(TelemetryQueueTest, ABatchNeverSpansTwoHours) {
  const std::int64_t to_the_hour = model::Hour::of(clock_.now()).end().value - clock_.now().value;
  clock_.advance(to_the_hour - 1);
  offer(10);
  clock_.advance(1);
  offer(20);
  const auto before = queue_.take(false);
  ASSERT_TRUE(before);
  EXPECT_EQ(before->records.size(), 10U);
  const auto after = queue_.take(true);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->records.size(), 20U);
  EXPECT_EQ(model::Hour::of(after->time).value, model::Hour::of(before->time).value + 1);
}

TEST_F(TelemetryQueueTest, AClockThatIsSetBackEndsTheBatchToo) {
  offer(10);
  clock_.jump(-2 * model::Hour::kNanos);
  offer(20);
  EXPECT_EQ(queue_.take(true)->records.size(), 10U);
  EXPECT_EQ(queue_.take(true)->records.size(), 20U);
}

TEST_F(TelemetryQueueTest, TheLedgerHasEverythingOnceSettled) {
  for (int i = 0; i < 50; ++i) offer(90);
  offer(10, model::Signal::kMetrics);
  offer(401, model::Signal::kMetrics);
  queue_.count_dropped(DropCause::kRingFull, model::Signal::kSpans, 7);
  const auto all = statements();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].signal, model::Signal::kSpans);
  EXPECT_EQ(all[0].produced, 57U);
  EXPECT_EQ(all[0].dropped[static_cast<std::size_t>(DropCause::kRingFull)], 7U);
  EXPECT_EQ(all[0].dropped[static_cast<std::size_t>(DropCause::kQueueFull)], 50 - (queue_.accepted() - 1));
  EXPECT_EQ(all[1].produced, 2U);
  EXPECT_EQ(all[1].dropped[static_cast<std::size_t>(DropCause::kOversize)], 1U);
}

TEST_F(TelemetryQueueTest, DropsOfTwoHoursAreNotMixedUp) {
  queue_.count_dropped(DropCause::kRingFull, model::Signal::kSpans, 7);
  clock_.advance(model::Hour::kNanos);
  queue_.count_dropped(DropCause::kRingFull, model::Signal::kSpans, 5);
  const auto all = statements();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].produced, 7U);
  EXPECT_EQ(all[1].produced, 5U);
  EXPECT_EQ(all[1].hour.value, all[0].hour.value + 1);
}

TEST_F(TelemetryQueueTest, WithoutAnywhereToGoEverythingIsDroppedAsDisabled) {
  queue_.disable();
  offer(10);
  EXPECT_FALSE(queue_.take(true));
  EXPECT_EQ(drops_.count(DropCause::kDisabled), 1U);
  EXPECT_EQ(statements().at(0).produced, 1U);
}

TEST_F(TelemetryQueueTest, AWaitingBatchHoldsLittleMoreThanItsRecords) {
  for (int i = 0; i < 3; ++i) offer(90);
  clock_.advance(50);
  ASSERT_TRUE(queue_.take(false));
  offer(10);
  clock_.advance(50);
  const auto small = queue_.take(false);
  ASSERT_TRUE(small);
  while (queue_.take(true)) {
  }
  EXPECT_LE(small->records.capacity(), 2 * small->records.size());
}

}  // namespace
}  // namespace fluxrig::lane
