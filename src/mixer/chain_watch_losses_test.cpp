// What a rack declares lost, and what comes of it after all.
#include "mixer/chain_pieces.hpp"
#include "mixer/chain_watch_fixture.hpp"

namespace fluxrig::mixer {
namespace {

using ::testing::ElementsAre;

TEST_F(ChainWatchTest, ADeclaredLossIsANoticeAndClosesTheHole) {
  take({rack_.header(), rack_.records(5)});
  (void)rack_.records(3);
  take(rack_.records(1));
  wait(121);
  EXPECT_THAT(open(), ElementsAre(AlarmKind::kGap));
  wal::LossBody loss{"damage", 3, now_, now_, wal::LossBody::Range{{1}, {6}, {8}}};
  take({rack_.loss(loss), rack_.checkpoint()});
  EXPECT_TRUE(open().empty());
  EXPECT_EQ(told_.rbegin()->second.kind, AlarmKind::kDeclaredLoss);
  EXPECT_EQ(told_.rbegin()->second.what, "the rack declares 3 records lost: damage");
  ASSERT_EQ(chain().pieces.size(), 1U);
  EXPECT_EQ(chain().pieces[0].signed_to.value, 10U);
  EXPECT_EQ(receipt_head(chain())->next.value, 10U);
}

// A message with them lay in the stream while the rack's disk lost them: its declaration overtook it.
TEST_F(ChainWatchTest, WhatWasDeclaredLostAndComesAfterAllChangesNothingOfTheChain) {
  take({rack_.header(), rack_.records(5)});
  const std::vector<Bytes> late = {rack_.records(2), rack_.checkpoint(), rack_.records(1)};
  const std::vector<Bytes> behind = {rack_.records(1), rack_.records(2)};
  take(behind);
  wal::LossBody loss{"damage", 3, now_, now_, wal::LossBody::Range{{1}, {6}, {8}}};
  take({rack_.loss(loss), rack_.checkpoint()});
  ASSERT_EQ(chain().pieces.size(), 1U);
  const auto piece = chain().pieces[0];
  EXPECT_THAT(take(late), ElementsAre(Verdict::kNew, Verdict::kNew, Verdict::kNew));
  EXPECT_THAT(chain().pieces, ElementsAre(piece));
  EXPECT_THAT(
      take({late[0], late[1], late[2], behind[0], behind[1]}),
      ElementsAre(Verdict::kRepeat, Verdict::kRepeat, Verdict::kRepeat, Verdict::kRepeat, Verdict::kRepeat));
  EXPECT_THAT(chain().pieces, ElementsAre(piece));
  // And it goes on where it ended.
  EXPECT_EQ(take(rack_.records(4)), Verdict::kNew);
  wait(121);
  EXPECT_TRUE(open().empty());
  EXPECT_EQ(receipt_head(chain())->hash, rack_.head);
}

TEST_F(ChainWatchTest, AHeaderThatWasDeclaredLostAndComesAfterAllIsNoForkAndAnotherOneIs) {
  const auto header = rack_.header();
  take(rack_.records(5));
  wal::LossBody loss{"damage", 0, now_, now_, wal::LossBody::Range{{1}, {1}, {0}}};
  take({rack_.loss(loss), rack_.checkpoint()});
  EXPECT_TRUE(chain().pieces.at(0).begins());
  EXPECT_EQ(take(header), Verdict::kNew);
  EXPECT_EQ(chain().pieces.size(), 1U);
  EXPECT_EQ(take(header), Verdict::kRepeat);
  EXPECT_TRUE(open().empty());
  EXPECT_TRUE(state_.keys.contains({rack_.machine, Epoch{}}));
  ChainRack twin(rack_.machine);
  twin.time.value += 1;
  EXPECT_EQ(take(twin.header()), Verdict::kFork);
}

TEST_F(ChainWatchTest, AnotherBlockInAPlaceThatWasDeclaredLostIsAForkWhereOneCame) {
  take({rack_.header(), rack_.records(5)});
  auto twin = rack_;
  const auto late = rack_.records(3);
  take(rack_.records(1));
  wal::LossBody loss{"damage", 3, now_, now_, wal::LossBody::Range{{1}, {6}, {8}}};
  take({rack_.loss(loss), rack_.checkpoint()});
  EXPECT_EQ(take(late), Verdict::kNew);
  twin.time.value += 1;
  EXPECT_EQ(take(twin.records(3)), Verdict::kFork);
  EXPECT_THAT(open(), ElementsAre(AlarmKind::kFork));
}

TEST_F(ChainWatchTest, AnOpeningLossStaysOpenUntilItIsClosed) {
  take({rack_.header(), rack_.records(5)});
  wal::LossBody loss{"disk_full", std::nullopt, now_, std::nullopt, std::nullopt};
  take(rack_.loss(loss));
  EXPECT_THAT(open(), ElementsAre(AlarmKind::kDeclaredLoss));
  loss.count = 12;
  loss.to = now_;
  take(rack_.loss(loss));
  EXPECT_TRUE(open().empty());
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_.begin()->second.count, 12U);
}

}  // namespace
}  // namespace fluxrig::mixer
