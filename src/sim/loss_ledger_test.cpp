#include "sim/loss_ledger.hpp"

#include <gtest/gtest.h>

namespace fluxrig::sim {
namespace {

struct LossLedgerTest : testing::Test {
  MachineId machine{{9}};
  Oracle oracle;
  LossLedger ledger{oracle};

  void declare(std::uint64_t first, std::uint64_t count, std::optional<UnixNanos> to = UnixNanos{9}) {
    model::BlockHead head;
    head.machine_id = machine;
    head.epoch = {1};
    head.first = {first};
    ledger.declared(head, {"disk_full", count, UnixNanos{5}, to, std::nullopt});
  }
  [[nodiscard]] std::string end() {
    ledger.check_end();
    return oracle.broken() ? oracle.broken()->promise : "";
  }
};

TEST_F(LossLedgerTest, WhatIsDeclaredBeforeTheLastKeptRecordIsWhatWasLetGo) {
  declare(10, 3);
  declare(10, 3);  // the same block again
  declare(20, 7);  // behind it
  ledger.safe(machine, Epoch{1}, {Sequence{20}, 3});
  EXPECT_EQ(end(), "");
}

TEST_F(LossLedgerTest, AnotherNumberIsNamed) {
  declare(10, 2);
  ledger.safe(machine, Epoch{1}, {Sequence{20}, 3});
  EXPECT_EQ(end(), "lost records = declared counts");
}

TEST_F(LossLedgerTest, ALossThatNobodyDeclaresIsNamed) {
  ledger.safe(machine, Epoch{1}, {Sequence{20}, 3});
  EXPECT_EQ(end(), "lost records = declared counts");
}

TEST_F(LossLedgerTest, AnOpeningDeclarationGivesNoNumber) {
  declare(10, 3, std::nullopt);
  ledger.safe(machine, Epoch{1}, {Sequence{20}, 0});
  EXPECT_EQ(end(), "");
}

}  // namespace
}  // namespace fluxrig::sim
