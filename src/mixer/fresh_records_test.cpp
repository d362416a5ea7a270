#include "mixer/fresh_records.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fluxrig::mixer {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

sink::IncomingBlock block_of(std::uint64_t first, std::size_t records, std::uint32_t epoch = 1) {
  sink::IncomingBlock block;
  block.head.lane = model::Lane::kAudit;
  block.head.epoch = Epoch{epoch};
  block.head.first = Sequence{first};
  block.records.resize(records);
  return block;
}

TEST(FreshRecords, WhatTheLedgerDoesNotKnowIsFresh) {
  const std::vector blocks{block_of(1, 3), block_of(4, 2)};
  EXPECT_THAT(fresh_runs(blocks, {}), ElementsAre(ElementsAre(Pair(0, 3)), ElementsAre(Pair(0, 2))));
}

TEST(FreshRecords, HolesOfTheLedgerAreFound) {
  sink::Ledger ledger;
  auto& known = ledger[{MachineId{}, model::Lane::kAudit, Epoch{1}}];
  known.add(Sequence{1}, Sequence{2});
  known.add(Sequence{5}, Sequence{5});
  const std::vector blocks{block_of(1, 7), block_of(1, 2)};
  EXPECT_THAT(fresh_runs(blocks, ledger), ElementsAre(ElementsAre(Pair(2, 4), Pair(5, 7)), IsEmpty()));
}

TEST(FreshRecords, ABlockThatCameTwiceInOneBatchIsFreshOnce) {
  const std::vector blocks{block_of(1, 3), block_of(2, 4), block_of(1, 3, 2)};
  EXPECT_THAT(fresh_runs(blocks, {}),
              ElementsAre(ElementsAre(Pair(0, 3)), ElementsAre(Pair(2, 4)), ElementsAre(Pair(0, 3))));
}

TEST(FreshRecords, BlocksWithoutNewRecordsAreLeftOut) {
  std::vector blocks{block_of(1, 3), block_of(4, 0), block_of(1, 3), block_of(9, 1)};
  auto runs = fresh_runs(blocks, {});
  const auto fresh = with_fresh(std::move(blocks), std::move(runs));
  ASSERT_EQ(fresh.size(), 2U);
  EXPECT_EQ(fresh[0].block.head.first, Sequence{1});
  EXPECT_EQ(fresh[1].block.head.first, Sequence{9});
}

}  // namespace
}  // namespace fluxrig::mixer
