#include "sim/telemetry_ledger.hpp"

#include <gtest/gtest.h>

namespace fluxrig::sim {
namespace {

struct TelemetryLedgerTest : testing::Test {
  MachineId machine{{9}};
  Oracle oracle;
  TelemetryLedger ledger{oracle};
  lane::DropCounters drops;

  // Everything has drained; the last process has stated what it counts.
  void end(std::uint64_t produced, std::uint64_t accepted) {
    ledger.check(machine, Epoch{1}, {produced, accepted, false, &drops});
    model::LedgerStatement statement;
    statement.produced = produced;
    statement.dropped[static_cast<std::size_t>(lane::DropCause::kQueueFull)] = produced - accepted;
    ledger.stated(machine, Epoch{1}, statement);
    ledger.check_end(TelemetryLedger::Statements::kComplete);
  }
  void store(std::uint64_t first, std::uint64_t last) {
    for (; first <= last; ++first)
      oracle.stored({machine, model::Lane::kTelemetry, {1}, {first}}, model::MetricPoint{});
  }
  void name_lost(std::uint64_t first, std::uint64_t last, std::uint64_t records) {
    ledger.stated(machine, {{1}, {first}, {last}, {}, lane::DropCause::kEvicted, {{records, 0, 0}}});
  }
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
  store(1, 2);
  end(2, 2);
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
  end(2, 2);
  EXPECT_EQ(promise(), "P2 produced = stored + counted");
}

TEST_F(TelemetryLedgerTest, WhatIsNeverHandedOverIsNamed) {
  ledger.handed(block(1, 2), false);
  store(1, 2);
  end(3, 3);
  EXPECT_EQ(promise(), "P2 produced = stored + counted");
}

TEST_F(TelemetryLedgerTest, AcknowledgedTelemetryThatIsNotStoredIsNamed) {
  ledger.handed(block(1, 2), false);
  ledger.told(block(1, 2), true);
  ledger.check_end(TelemetryLedger::Statements::kSomeLost);
  EXPECT_EQ(promise(), "P2 produced = stored + counted");
}

TEST_F(TelemetryLedgerTest, TelemetryThatTheServerLostIsNoFault) {
  ledger.handed(block(1, 2), false);
  ledger.told(block(1, 2), true);
  ledger.lost(block(1, 2));
  end(2, 2);
  EXPECT_EQ(promise(), "");
}

TEST_F(TelemetryLedgerTest, WhatIsNamedLostIsAccountedForAndNothingElse) {
  store(1, 2);
  name_lost(3, 5, 3);
  end(5, 5);
  EXPECT_EQ(promise(), "");
  end(6, 6);
  EXPECT_EQ(promise(), "P2 produced = stored + counted");
}

TEST_F(TelemetryLedgerTest, ARangeThatIsNamedWithAnotherCountIsAFault) {
  name_lost(1, 3, 2);
  end(3, 3);
  EXPECT_EQ(promise(), "P2 produced = stored + counted");
}

TEST_F(TelemetryLedgerTest, ARangeThatIsNamedAndStoredInPartIsAFault) {
  store(1, 2);
  name_lost(1, 3, 3);
  end(3, 3);
  EXPECT_EQ(promise(), "P2 produced = stored + counted");
}

TEST_F(TelemetryLedgerTest, ACountThatDidNotArriveIsAFault) {
  drops.add(lane::DropCause::kQueueFull, 1);
  store(1, 2);
  ledger.check(machine, Epoch{1}, {3, 2, false, &drops});
  ledger.check_end(TelemetryLedger::Statements::kComplete);
  EXPECT_EQ(promise(), "P2 produced = stored + counted");
}

TEST_F(TelemetryLedgerTest, WhatOutlivesADeathOnDiskIsStoredOrNamed) {
  const TelemetryLedger::Kept kept{{1}, {1}, {2}};
  ledger.survived(machine, {&kept, 1}, {.power_lost = true, .was_full = false});
  ledger.survived(machine, {}, {.power_lost = true, .was_full = false});
  ledger.check_end(TelemetryLedger::Statements::kComplete);
  EXPECT_EQ(promise(), "P2 produced = stored + counted");
}

TEST_F(TelemetryLedgerTest, PowerMayTakeWhatOnlyAKillLeft) {
  const TelemetryLedger::Kept kept{{1}, {1}, {2}};
  ledger.survived(machine, {&kept, 1}, {.power_lost = false, .was_full = false});
  ledger.survived(machine, {}, {.power_lost = true, .was_full = false});
  ledger.check_end(TelemetryLedger::Statements::kComplete);
  EXPECT_EQ(promise(), "");
}

}  // namespace
}  // namespace fluxrig::sim
