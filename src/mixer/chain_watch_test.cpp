// One epoch: its pieces, gaps, forks and checkpoints.
#include "mixer/chain_pieces.hpp"
#include "mixer/chain_watch_fixture.hpp"

namespace fluxrig::mixer {
namespace {

using ::testing::ElementsAre;

TEST_F(ChainWatchTest, FollowsAChainAndItsCheckpointsWithoutAskingTheStore) {
  take({rack_.header(), rack_.records(3), rack_.checkpoint(), rack_.records(2)});
  ASSERT_EQ(chain().pieces.size(), 1U);
  const auto& piece = chain().pieces[0];
  EXPECT_TRUE(piece.begins());
  EXPECT_EQ(piece.next.value, 6U);
  EXPECT_EQ(piece.head, rack_.head);
  EXPECT_EQ(piece.signed_to.value, 4U);
  EXPECT_EQ(piece.checkpoints, 1U);
  EXPECT_EQ(piece.drops, R"({"queue_full":3})");
  EXPECT_EQ(state_.keys.at({rack_.machine, Epoch{}}).key, rack_.key().public_key());
  take({rack_.records(1), rack_.checkpoint()});
  EXPECT_EQ(asked_, 0U);
  EXPECT_EQ(chain().pieces[0].signed_to.value, 7U);
  EXPECT_EQ(receipt_head(chain())->next.value, 7U);
  EXPECT_EQ(receipt_head(chain())->hash, rack_.head);
  EXPECT_TRUE(open().empty());
}

TEST_F(ChainWatchTest, PutsBlocksOfAnyOrderTogetherAndTellsRepeats) {
  std::vector<Bytes> blocks = {rack_.header()};
  for (int i = 0; i < 10; ++i) {
    blocks.push_back(rack_.records(2));
    blocks.push_back(rack_.checkpoint());
  }
  for (int round = 0; round < 20; ++round) {
    state_ = {};
    stored_.clear();
    auto order = blocks;
    order.insert(order.end(), blocks.begin(), blocks.end());
    for (std::size_t i = order.size() - 1; i > 0; --i) std::swap(order[i], order[random_.below(i + 1)]);
    std::size_t fresh = 0;
    for (std::size_t at = 0; at < order.size(); at += 7) {
      const auto end = std::min(order.size(), at + 7);
      const std::vector<Bytes> batch(order.begin() + static_cast<std::ptrdiff_t>(at),
                                     order.begin() + static_cast<std::ptrdiff_t>(end));
      (void)take(batch, true);  // a commit that fails first
      for (const auto verdict : take(batch)) {
        EXPECT_NE(verdict, Verdict::kFork);
        fresh += verdict == Verdict::kNew ? 1 : 0;
      }
    }
    EXPECT_EQ(fresh, blocks.size());
    ASSERT_EQ(chain().pieces.size(), 1U) << "round " << round;
    EXPECT_TRUE(chain().pieces[0].begins());
    EXPECT_EQ(chain().pieces[0].head, rack_.head);
    EXPECT_EQ(chain().pieces[0].checkpoints, 10U);
    EXPECT_TRUE(open().empty()) << told_.begin()->second.what;
  }
}

TEST_F(ChainWatchTest, WhatIsMissingIsLateUntilAConnectedRackHasHadItsTime) {
  take({rack_.header(), rack_.records(5)});
  const auto lost = rack_.records(3);
  take(rack_.records(1));
  ASSERT_EQ(holes_of(chain()).size(), 1U);
  EXPECT_EQ(receipt_head(chain())->next.value, 6U);
  wait(1'000, false);
  wait(119);
  EXPECT_TRUE(open().empty());
  wait(121);
  EXPECT_THAT(open(), ElementsAre(AlarmKind::kGap));
  EXPECT_EQ(told_.rbegin()->second.what, "records 6 to 8 are missing");
  EXPECT_EQ(told_.rbegin()->second.first.value, 6U);
  EXPECT_EQ(told_.rbegin()->second.last.value, 8U);
  // Told, the rack may let go of what it has; what is missing may still come.
  EXPECT_EQ(receipt_head(chain())->next.value, 10U);
  now_.value += kNanosPerSecond;
  EXPECT_EQ(take(lost), Verdict::kNew);
  EXPECT_TRUE(open().empty());
  EXPECT_EQ(told_.rbegin()->second.resolved, now_);
  EXPECT_EQ(chain().pieces.size(), 1U);
}

TEST_F(ChainWatchTest, AMissingBlockWithoutRecordsIsAGapAsWell) {
  take({rack_.header(), rack_.records(5)});
  const auto lost = rack_.checkpoint();
  take(rack_.records(1));
  wait(121);
  EXPECT_THAT(open(), ElementsAre(AlarmKind::kGap));
  EXPECT_EQ(told_.rbegin()->second.what, "blocks without records are missing before record 6");
  take(lost);
  EXPECT_TRUE(open().empty());
  EXPECT_EQ(chain().pieces[0].signed_to.value, 6U);
}

TEST_F(ChainWatchTest, AnotherBlockInTheSamePlaceIsAForkAndNotStored) {
  take({rack_.header(), rack_.records(5)});
  auto twin = rack_;
  take(rack_.records(2));
  twin.time.value += 5;
  EXPECT_EQ(take(twin.records(2)), Verdict::kFork);
  EXPECT_EQ(take(twin.records(2)), Verdict::kNew) << "behind what is known: kept as evidence";
  EXPECT_THAT(open(), ElementsAre(AlarmKind::kFork));
  EXPECT_EQ(told_.begin()->second.first.value, 6U);
  EXPECT_EQ(chain().pieces[0].head, rack_.head);
}

TEST_F(ChainWatchTest, ASecondBeginningOfAnEpochIsAFork) {
  auto twin = rack_;
  take({rack_.header(), rack_.records(5)});
  twin.time.value += 5;
  EXPECT_EQ(take(twin.header()), Verdict::kFork);
  EXPECT_EQ(take(twin.records(1)), Verdict::kFork);
  EXPECT_THAT(open(), ElementsAre(AlarmKind::kFork));
  EXPECT_EQ(told_.begin()->second.count, 2U);
  EXPECT_EQ(take(twin.records(1)), Verdict::kFork);
  EXPECT_EQ(state_.open.begin()->second.count, 3U);
}

TEST_F(ChainWatchTest, ForkedControlBlocksAreForksToo) {
  take({rack_.header(), rack_.records(5)});
  auto twin = rack_;
  take({rack_.checkpoint(), rack_.records(1)});
  twin.time.value += 5;
  EXPECT_EQ(take(twin.checkpoint()), Verdict::kFork);
}

TEST_F(ChainWatchTest, ACheckpointOfAnotherKeyIsABadSignatureAndSignsNothing) {
  take({rack_.header(), rack_.records(5), rack_.checkpoint(), rack_.records(1)});
  rack_.seed = 2;
  take(rack_.checkpoint());
  EXPECT_THAT(open(), ElementsAre(AlarmKind::kBadSignature));
  EXPECT_EQ(chain().pieces[0].signed_to.value, 6U);
  rack_.start_again();
  take({rack_.header(), rack_.records(1)});
  EXPECT_THAT(open(), ElementsAre(AlarmKind::kBadSignature, AlarmKind::kKeyChanged));
  EXPECT_EQ(state_.keys.at({rack_.machine, Epoch{}}).key, wal::SigningKey::from_seed({1}).public_key());
}

TEST_F(ChainWatchTest, ACheckpointThatLeavesOneOutIsAnAlteration) {
  take({rack_.header(), rack_.records(5), rack_.checkpoint()});
  rack_.statement.fill(9);
  take({rack_.records(1), rack_.checkpoint()});
  EXPECT_THAT(open(), ElementsAre(AlarmKind::kAlteration));
}

TEST_F(ChainWatchTest, MorePiecesThanAreKeptTrackOfHealWhenTheRackSendsAgain) {
  std::vector<Bytes> blocks = {rack_.header()};
  for (int i = 0; i < 600; ++i) blocks.push_back(rack_.records(1));
  for (std::size_t i = 1; i < blocks.size(); i += 2) take(blocks[i]);
  EXPECT_TRUE(chain().untracked);
  EXPECT_EQ(chain().pieces.size(), sink::EpochChain::kMaxPieces);
  std::size_t fresh = 0;
  for (const auto verdict : take(blocks)) fresh += verdict == Verdict::kNew ? 1 : 0;
  EXPECT_EQ(fresh, 301U);
  ASSERT_EQ(chain().pieces.size(), 1U);
  EXPECT_EQ(chain().pieces[0].head, rack_.head);
  EXPECT_TRUE(open().empty());
}

}  // namespace
}  // namespace fluxrig::mixer
