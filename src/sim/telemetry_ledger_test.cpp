#include "sim/telemetry_ledger.hpp"

#include <gtest/gtest.h>

namespace fluxrig::sim {
namespace {

struct TelemetryLedgerTest : testing::Test {
  MachineId machine{{9}};
  Oracle oracle;
  TelemetryLedger ledger{oracle};
  lane::DropCounters drops;

  [[nodiscard]] std::string promise() const { return oracle.broken() ? oracle.broken()->promise : ""; }
  [[nodiscard]] model::BlockHead block(std::uint64_t first, std::uint32_t count) const {
    model::BlockHead head;
    head.machine_id = machine;
    head.lane = model::Lane::kTelemetry;
    head.epoch = {1};
    head.first = {first};
    head.count = count;
    return head;
  }
};

TEST_F(TelemetryLedgerTest, AnUncountedDropIsNamed) {
  drops.add(lane::DropCause::kQueueFull, 1);
  ledger.check(machine, Epoch{1}, {3, 1, true, &drops});
  EXPECT_EQ(promise(), "P2 produced = stored + counted");
}

TEST_F(TelemetryLedgerTest, WhatIsHandedOverAgainCountsOnce) {
  ledger.handed(block(1, 2), true);
  ledger.handed(block(1, 2), false);
  ledger.told(block(1, 2), true);
  ledger.check(machine, Epoch{1}, {2, 2, false, &drops});
  EXPECT_EQ(promise(), "");
}

TEST_F(TelemetryLedgerTest, WhatComesAgainAsAnotherMessageIsNamed) {
  ledger.handed(block(1, 2), true);
  ledger.handed(block(1, 3), false);
  EXPECT_EQ(promise(), "P2 produced = stored + counted");
}

TEST_F(TelemetryLedgerTest, WhatFailedAndIsNotSentAgainIsNamed) {
  ledger.handed(block(1, 2), false);
  ledger.told(block(1, 2), false);
  ledger.check(machine, Epoch{1}, {2, 2, false, &drops});
  EXPECT_EQ(promise(), "P2 produced = stored + counted");
}

TEST_F(TelemetryLedgerTest, WhatIsNeverHandedOverIsNamed) {
  ledger.handed(block(1, 2), false);
  ledger.check(machine, Epoch{1}, {3, 3, false, &drops});
  EXPECT_EQ(promise(), "P2 produced = stored + counted");
}

TEST_F(TelemetryLedgerTest, AcknowledgedTelemetryThatIsNotStoredIsNamed) {
  ledger.handed(block(1, 2), false);
  ledger.told(block(1, 2), true);
  ledger.check_end();
  EXPECT_EQ(promise(), "P2 produced = stored + counted");
}

TEST_F(TelemetryLedgerTest, TelemetryThatTheServerLostIsNoFault) {
  ledger.handed(block(1, 2), false);
  ledger.told(block(1, 2), true);
  ledger.lost(block(1, 2));
  ledger.check_end();
  EXPECT_EQ(promise(), "");
}

}  // namespace
}  // namespace fluxrig::sim
