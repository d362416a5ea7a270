#include "sim/oracle.hpp"

#include <gtest/gtest.h>

namespace fluxrig::sim {
namespace {

struct OracleTest : testing::Test {
  FluxId flux_id{{1, 2, 3}};
  MachineId machine{{9}};

  void store(std::uint64_t sequence) {
    model::Transaction transaction;
    transaction.flux_id = flux_id;
    oracle.stored({machine, model::Lane::kAudit, Epoch{1}, Sequence{sequence}}, transaction);
  }
  [[nodiscard]] std::string promise() const { return oracle.broken() ? oracle.broken()->promise : ""; }
  [[nodiscard]] model::BlockHead telemetry(std::uint64_t first, std::uint32_t count) const {
    model::BlockHead head;
    head.machine_id = machine;
    head.lane = model::Lane::kTelemetry;
    head.epoch = {1};
    head.first = {first};
    head.count = count;
    return head;
  }

  Oracle oracle;
};

TEST_F(OracleTest, AnsweredAndStoredOnceIsGood) {
  oracle.begun(flux_id, 0);
  oracle.answered(flux_id, 5);
  store(1);
  oracle.check_end();
  EXPECT_EQ(promise(), "");
}

TEST_F(OracleTest, AnsweredAndNotStoredIsNamed) {
  oracle.begun(flux_id, 0);
  oracle.answered(flux_id, 5);
  oracle.check_end();
  EXPECT_EQ(promise(), "no answered transaction without a record");
}

TEST_F(OracleTest, NotAnsweredMayBeMissing) {
  oracle.begun(flux_id, 0);
  oracle.check_end();
  EXPECT_EQ(promise(), "");
}

TEST_F(OracleTest, OnlyWhatWasAnsweredWithinTheIntervalMayBeLost) {
  oracle.begun(flux_id, 0);
  oracle.answered(flux_id, 5);
  oracle.forgive_since(0, 6);
  oracle.forgive_since(1, 0);
  oracle.check_end();
  EXPECT_EQ(promise(), "no answered transaction without a record");
}

TEST_F(OracleTest, StoredUnderTwoSequencesIsNamed) {
  oracle.begun(flux_id, 0);
  store(1);
  store(2);
  EXPECT_EQ(promise(), "stored exactly once");
}

TEST_F(OracleTest, ARowStoredTwiceIsNamed) {
  oracle.stored({machine, model::Lane::kTelemetry, Epoch{1}, Sequence{1}}, model::Span{});
  oracle.stored({machine, model::Lane::kTelemetry, Epoch{1}, Sequence{1}}, model::Span{});
  EXPECT_EQ(promise(), "stored exactly once");
}

TEST_F(OracleTest, AStrangerInTheStoreIsNamed) {
  store(1);
  EXPECT_EQ(promise(), "nothing is stored that was not");
}

TEST_F(OracleTest, AChangedRecordIsNamed) {
  oracle.begun(flux_id, 0);
  model::Transaction transaction;
  transaction.flux_id = flux_id;
  transaction.attributes.push_back({"note", std::string("y")});
  oracle.stored({machine, model::Lane::kAudit, Epoch{1}, Sequence{1}}, transaction);
  EXPECT_EQ(promise(), "what is stored is what was recorded");
}

TEST_F(OracleTest, AnUncountedDropIsNamed) {
  lane::DropCounters drops;
  drops.add(lane::DropCause::kQueueFull, 1);
  oracle.check_telemetry(machine, Epoch{1}, {3, 1, true, &drops});
  EXPECT_EQ(promise(), "P2 produced = stored + counted");
}

TEST_F(OracleTest, TelemetryThatIsHandedOverAgainCountsOnce) {
  const lane::DropCounters drops;
  oracle.telemetry_handed(telemetry(1, 2), true);
  oracle.telemetry_handed(telemetry(1, 2), false);
  oracle.telemetry_told(telemetry(1, 2), true);
  oracle.check_telemetry(machine, Epoch{1}, {2, 2, false, &drops});
  EXPECT_EQ(promise(), "");
}

TEST_F(OracleTest, TelemetryThatComesAgainAsAnotherMessageIsNamed) {
  oracle.telemetry_handed(telemetry(1, 2), true);
  oracle.telemetry_handed(telemetry(1, 3), false);
  EXPECT_EQ(promise(), "P2 produced = stored + counted");
}

TEST_F(OracleTest, TelemetryThatFailedAndIsNotSentAgainIsNamed) {
  const lane::DropCounters drops;
  oracle.telemetry_handed(telemetry(1, 2), false);
  oracle.telemetry_told(telemetry(1, 2), false);
  oracle.check_telemetry(machine, Epoch{1}, {2, 2, false, &drops});
  EXPECT_EQ(promise(), "P2 produced = stored + counted");
}

TEST_F(OracleTest, TelemetryThatIsNeverHandedOverIsNamed) {
  const lane::DropCounters drops;
  oracle.telemetry_handed(telemetry(1, 2), false);
  oracle.check_telemetry(machine, Epoch{1}, {3, 3, false, &drops});
  EXPECT_EQ(promise(), "P2 produced = stored + counted");
}

TEST_F(OracleTest, AcknowledgedTelemetryThatIsNotStoredIsNamed) {
  oracle.telemetry_handed(telemetry(1, 2), false);
  oracle.telemetry_told(telemetry(1, 2), true);
  oracle.check_end();
  EXPECT_EQ(promise(), "P2 produced = stored + counted");
}

TEST_F(OracleTest, TelemetryThatTheServerLostIsNoFault) {
  oracle.telemetry_handed(telemetry(1, 2), false);
  oracle.telemetry_told(telemetry(1, 2), true);
  oracle.telemetry_lost(telemetry(1, 2));
  oracle.check_end();
  EXPECT_EQ(promise(), "");
}

TEST_F(OracleTest, TheFirstBrokenPromiseIsKept) {
  oracle.fail("first", "");
  oracle.fail("second", "");
  EXPECT_EQ(promise(), "first");
}

}  // namespace
}  // namespace fluxrig::sim
