// Transactions in doubt: intents without outcome, in whatever order and however often the blocks come.
#include "sink/store_fixture.hpp"

namespace fluxrig::sink {
namespace {

class OpenIntentsTest : public StoreTest {
 protected:
  OpenIntentsTest() { open(); }

  static model::Intent intent_of(const model::Transaction& outcome) {
    model::Intent intent;
    intent.flux_id = outcome.flux_id;
    intent.trace_id = outcome.trace_id;
    intent.span_id = outcome.span_id;
    intent.gear = "bank";
    intent.name = outcome.name;
    intent.time = outcome.start;
    intent.attributes = {{"iso8583.11", std::string("000042")}, {"amount", std::int64_t{4200}}};
    intent.redactions = {"iso8583.2 token"};
    return intent;
  }
  std::string open_count() { return cell("SELECT count(*) FROM open_intents"); }
  std::string doubt_count() { return cell("SELECT count(*) FROM in_doubt"); }
  IncomingBlock in_epoch(std::uint32_t epoch, IncomingBlock block) {
    block.head.epoch = {epoch};
    return block;
  }

  model::Transaction outcome_ = transaction(clock_.now());
  model::Intent intent_ = intent_of(outcome_);
};

TEST_F(OpenIntentsTest, APairInOneBatchLeavesNothingOpen) {
  store(block(1, {intent_, outcome_}));
  EXPECT_EQ(open_count(), "0");
  EXPECT_EQ(cell("SELECT count(*) FROM transactions"), "1");
  EXPECT_EQ(cell("SELECT last_seq FROM ledger"), "2") << "an intent has a sequence like every audit record";
}

TEST_F(OpenIntentsTest, AnIntentAloneIsOpenWithAllThatAReversalNeedsUntilItsOutcomeComes) {
  store(block(1, {intent_}));
  const auto rows = select(
      "SELECT CAST(flux_id AS VARCHAR), trace_id, CAST(machine_id AS VARCHAR), rack, gear, epoch, seq, "
      "span_id, "
      "name, attributes['iso8583.11'], attributes['amount'], redactions[1] FROM open_intents");
  ASSERT_EQ(rows.rows.size(), 1U);
  const std::vector<std::optional<std::string>> expected = {to_string(intent_.flux_id),
                                                            to_string(intent_.trace_id),
                                                            to_string(machine_),
                                                            "edge",
                                                            "bank",
                                                            "1",
                                                            "1",
                                                            to_string(intent_.span_id),
                                                            "POST /authorize",
                                                            "000042",
                                                            "4200",
                                                            "iso8583.2 token"};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(rows.rows[0][i], expected[i]) << i;
  store(block(2, {outcome_}));
  EXPECT_EQ(open_count(), "0");
}

TEST_F(OpenIntentsTest, AnOutcomeWithOtherIdsButTheSameRootSpanIsItsOutcome) {
  store(block(1, {intent_}));
  outcome_.flux_id = make_flux_id(clock_.now(), random_);
  outcome_.trace_id = make_trace_id(random_);
  store(block(2, {outcome_}));
  EXPECT_EQ(open_count(), "0");
}

TEST_F(OpenIntentsTest, AnOutcomeThatOvertookItsIntentClearsIt) {
  store(block(2, {outcome_}));
  store(block(1, {intent_}));
  EXPECT_EQ(open_count(), "0");
  // And one that did not is still open.
  const auto other = intent_of(transaction(clock_.now()));
  store(block(10, {transaction(clock_.now())}));
  store(block(5, {other}));
  EXPECT_EQ(open_count(), "1");
}

TEST_F(OpenIntentsTest, ABatchWithTheOutcomeBeforeTheIntentLeavesNothingOpen) {
  const std::vector<IncomingBlock> blocks = {block(2, {outcome_}), block(1, {intent_})};
  ASSERT_TRUE(sink().commit(blocks));
  EXPECT_EQ(open_count(), "0");
}

TEST_F(OpenIntentsTest, AnOutcomeInAParquetFileClearsItsIntentTooLate) {
  outcome_.start = {clock_.now().value - 40 * kHour};
  outcome_.end = outcome_.start;
  store(block(2, {outcome_}));
  maintain_fully();
  ASSERT_EQ(cell("SELECT count(*) FROM hot_transactions"), "0");
  store(block(1, {intent_}));
  EXPECT_EQ(open_count(), "0");
}

TEST_F(OpenIntentsTest, ARepeatedIntentDoesNotRise) {
  store(block(1, {intent_}));
  store(block(2, {outcome_}));
  EXPECT_EQ(store(block(1, {intent_})).duplicates, 1U);
  EXPECT_EQ(store(block(1, {intent_, outcome_})).duplicates, 2U);
  EXPECT_EQ(open_count(), "0");
}

TEST_F(OpenIntentsTest, ItIsInDoubtOnceALaterEpochHasBegun) {
  store(block(1, {intent_}));
  EXPECT_EQ(doubt_count(), "0");
  store(in_epoch(2, transactions(1, 1)));
  EXPECT_EQ(doubt_count(), "1");
  store(block(2, {outcome_}));
  EXPECT_EQ(doubt_count(), "0") << "an outcome that comes late clears it";
}

TEST_F(OpenIntentsTest, AnotherEpochOrMachineWithTheSameSpanIsAnotherTransaction) {
  store(block(1, {intent_}));
  store(in_epoch(2, block(1, {outcome_})));
  auto other = block(1, {outcome_});
  other.head.machine_id = make_machine_id(random_);
  store(other);
  EXPECT_EQ(open_count(), "1");
}

TEST_F(OpenIntentsTest, AFailedCommitChangesNothingAndTheNextTryStoresIt) {
  store(block(1, {intent_}));
  bool broken = true;
  options_.fail_point = [&](std::string_view step) { return broken && step == "commit.ledger"; };
  open();
  const auto outcome = block(2, {outcome_});
  EXPECT_FALSE(sink().commit({&outcome, 1}));
  EXPECT_EQ(open_count(), "1");
  broken = false;
  store(outcome);
  EXPECT_EQ(open_count(), "0");
}

TEST_F(OpenIntentsTest, WhatIsOpenOutlivesARestart) {
  store(block(1, {intent_}));
  open();
  EXPECT_EQ(open_count(), "1");
  store(block(2, {outcome_}));
  EXPECT_EQ(open_count(), "0");
}

TEST_F(OpenIntentsTest, ManyInAnyOrderLeaveOpenExactlyThoseWithoutOutcome) {
  std::vector<model::Record> records;
  std::size_t without = 0;
  for (int i = 0; i < 400; ++i) {
    const auto outcome = transaction(clock_.now());
    records.emplace_back(intent_of(outcome));
    if (i % 7 == 0)
      ++without;
    else
      records.emplace_back(outcome);
  }
  // Blocks of 10, in a random order, some twice.
  std::vector<IncomingBlock> blocks;
  for (std::size_t at = 0; at < records.size(); at += 10)
    blocks.push_back(
        block(at + 1, {records.begin() + static_cast<std::ptrdiff_t>(at),
                       records.begin() + static_cast<std::ptrdiff_t>(std::min(at + 10, records.size()))}));
  for (std::size_t i = blocks.size(); i > 1; --i) std::swap(blocks[i - 1], blocks[random_.next() % i]);
  for (std::size_t i = 0; i < 10; ++i) blocks.push_back(blocks[random_.next() % blocks.size()]);
  for (const auto& one : blocks) store(one);
  EXPECT_EQ(open_count(), std::to_string(without));
}

}  // namespace
}  // namespace fluxrig::sink
