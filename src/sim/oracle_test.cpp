#include "sim/oracle.hpp"

#include <gtest/gtest.h>

namespace fluxrig::sim {
namespace {

struct OracleTest : testing::Test {
  static constexpr Oracle::Process kProcess{0, 1};
  MachineId machine{{9}};
  Promises promises{.commit = true, .interval = 100, .intent = IntentRule::kCommit};
  std::set<Execution> in_doubt;
  Oracle oracle;

  template <typename Record>
  void store(std::uint64_t sequence, Execution execution) {
    Record record;
    record.attributes.push_back({std::string(kExecutionField), static_cast<std::int64_t>(execution)});
    oracle.stored({machine, model::Lane::kAudit, Epoch{1}, Sequence{sequence}}, record);
  }
  void store_outcome(std::uint64_t sequence, Execution execution = 1) {
    store<model::Transaction>(sequence, execution);
  }
  void store_intent(std::uint64_t sequence, Execution execution = 1) {
    store<model::Intent>(sequence, execution);
  }
  void begin() { EXPECT_EQ(oracle.begun(kProcess), ++begun_); }
  [[nodiscard]] std::string promise() const { return oracle.broken() ? oracle.broken()->promise : ""; }
  [[nodiscard]] std::string end() {
    oracle.check_end(promises, in_doubt);
    return promise();
  }

 private:
  Execution begun_ = 0;
};

TEST_F(OracleTest, AnsweredAndStoredOnceIsGood) {
  begin();
  oracle.answered(1, 5);
  store_outcome(1);
  EXPECT_EQ(end(), "");
}

TEST_F(OracleTest, AnsweredAndNotStoredIsNamed) {
  begin();
  oracle.answered(1, 5);
  oracle.died(kProcess, 0);
  EXPECT_EQ(end(), "no answered transaction without a record");
}

TEST_F(OracleTest, NotAnsweredMayBeMissing) {
  begin();
  EXPECT_EQ(end(), "");
}

TEST_F(OracleTest, WithIntervalADeathMayTakeTheAnswersOfLessThanOne) {
  promises.commit = false;
  begin();
  begin();
  oracle.answered(1, 5);
  oracle.answered(2, 104);
  oracle.died(kProcess, 0);
  EXPECT_EQ(end(), "");
}

TEST_F(OracleTest, WithIntervalADeathMayNotTakeMore) {
  promises.commit = false;
  begin();
  begin();
  oracle.answered(1, 5);
  oracle.answered(2, 105);
  oracle.died(kProcess, 0);
  EXPECT_EQ(end(), "a crash takes the answers of one interval at most");
}

TEST_F(OracleTest, WithIntervalAProcessThatLivesMayLoseNothing) {
  promises.commit = false;
  begin();
  oracle.answered(1, 5);
  EXPECT_EQ(end(), "no answered transaction without a record");
}

TEST_F(OracleTest, WhatIsExcusedMayBeMissing) {
  begin();
  oracle.answered(1, 5);
  oracle.departed(1, 5);
  oracle.excuse(1);
  EXPECT_EQ(end(), "");
}

TEST_F(OracleTest, StoredUnderTwoSequencesIsNamed) {
  begin();
  store_outcome(1);
  store_outcome(2);
  EXPECT_EQ(promise(), "stored exactly once");
}

TEST_F(OracleTest, ARowStoredTwiceIsNamed) {
  oracle.stored({machine, model::Lane::kTelemetry, Epoch{1}, Sequence{1}}, model::Span{});
  oracle.stored({machine, model::Lane::kTelemetry, Epoch{1}, Sequence{1}}, model::Span{});
  EXPECT_EQ(promise(), "stored exactly once");
}

TEST_F(OracleTest, AStrangerInTheStoreIsNamed) {
  store_outcome(1);
  EXPECT_EQ(promise(), "nothing is stored that was not");
}

TEST_F(OracleTest, AChangedRecordIsNamed) {
  begin();
  model::Transaction transaction;
  transaction.attributes.push_back({std::string(kExecutionField), std::int64_t{1}});
  transaction.attributes.push_back({"note", std::string("y")});
  oracle.stored({machine, model::Lane::kAudit, Epoch{1}, Sequence{1}}, transaction);
  EXPECT_EQ(promise(), "what is stored is what was recorded");
}

TEST_F(OracleTest, AnEffectWithoutOutcomeAndWithoutIntentIsNamed) {
  begin();
  oracle.departed(1, 5);
  oracle.died(kProcess, 0);
  EXPECT_EQ(end(), "every effect has its outcome or is in doubt");
}

TEST_F(OracleTest, WithAsyncTheIntentsOfTheLastTurnMayBeMissing) {
  promises.intent = IntentRule::kAsync;
  begin();
  oracle.departed(1, 5);
  oracle.died(kProcess, 5);
  EXPECT_EQ(end(), "");
}

TEST_F(OracleTest, WithAsyncAnOlderIntentMayNot) {
  promises.intent = IntentRule::kAsync;
  begin();
  oracle.departed(1, 4);
  oracle.died(kProcess, 5);
  EXPECT_EQ(end(), "every effect has its outcome or is in doubt");
}

TEST_F(OracleTest, AnIntentThatNobodyAskedForIsNamed) {
  promises.intent = IntentRule::kOff;
  begin();
  store_intent(1);
  store_outcome(2);
  EXPECT_EQ(end(), "no intent that nobody asked for");
}

TEST_F(OracleTest, AnIntentOfADeadProcessWithoutOutcomeIsInDoubt) {
  begin();
  oracle.departed(1, 5);
  store_intent(1);
  oracle.died(kProcess, 5);
  in_doubt.insert(1);
  EXPECT_EQ(end(), "");
}

TEST_F(OracleTest, ADoubtThatTheMixerDoesNotListIsNamed) {
  begin();
  store_intent(1);
  oracle.died(kProcess, 5);
  EXPECT_EQ(end(), "the mixer's list of doubts is exact");
}

TEST_F(OracleTest, ADoubtThatHasItsOutcomeIsNamed) {
  begin();
  store_intent(1);
  store_outcome(2);
  oracle.died(kProcess, 5);
  in_doubt.insert(1);
  EXPECT_EQ(end(), "the mixer's list of doubts is exact");
}

TEST_F(OracleTest, TheFirstBrokenPromiseIsKept) {
  oracle.fail("first", "");
  oracle.fail("second", "");
  EXPECT_EQ(promise(), "first");
}

}  // namespace
}  // namespace fluxrig::sim
