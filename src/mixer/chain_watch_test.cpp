#include "mixer/chain_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mixer/chain_pieces.hpp"
#include "mixer/test_chain.hpp"

namespace fluxrig::mixer {
namespace {

using sink::AlarmKind;
using testing::ChainRack;
using Verdict = ChainWatch::Verdict;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The watch over a store that only remembers.
class ChainWatchTest : public ::testing::Test {
 protected:
  ChainWatchTest() : rack_(make_machine_id(random_)) {}

  // One batch of blocks, committed unless it is told to fail.
  std::vector<Verdict> take(const std::vector<Bytes>& blocks, bool fails = false) {
    std::vector<sink::IncomingBlock> batch;
    for (const auto& bytes : blocks) batch.push_back(testing::incoming(bytes, now_));
    ChainWatch watch(state_, now_);
    asked_ = 0;
    for (const auto& question : watch.questions(batch)) {
      asked_ += question.hashes.size();
      std::vector<sink::KnownBlock> known;
      const auto asked = [&](const model::Hash& hash) {
        return std::find(question.hashes.begin(), question.hashes.end(), hash) != question.hashes.end();
      };
      for (const auto& [epoch, block] : stored_)
        if (epoch == question.stream.epoch && (asked(block.hash) || asked(block.previous)))
          known.push_back(block);
      watch.remember(question.stream, known);
    }
    std::vector<Verdict> verdicts;
    for (const auto& block : batch) verdicts.push_back(watch.judge(block));
    const auto changes = watch.finish();
    if (fails) return verdicts;
    for (std::size_t i = 0; i < batch.size(); ++i)
      if (verdicts[i] == Verdict::kNew)
        stored_.push_back({batch[i].head.epoch, {batch[i].hash, batch[i].head.previous}});
    apply(changes);
    return verdicts;
  }
  Verdict take(const Bytes& block) { return take(std::vector<Bytes>{block}).at(0); }
  void apply(const sink::AuditChanges& changes) {
    for (const auto& alarm : changes.alarms) told_[alarm.id] = alarm;
    sink::apply(changes, state_);
  }
  // `seconds` later, with the rack here all the time or away.
  void wait(std::int64_t seconds, bool here = true) {
    const auto before = now_;
    now_.value += seconds * kNanosPerSecond;
    ChainWatch watch(state_, now_);
    watch.look_for_gaps([&](const MachineId&) { return here ? std::optional(before) : std::nullopt; });
    apply(watch.finish());
  }
  [[nodiscard]] const sink::EpochChain& chain(std::uint32_t epoch = 1) const {
    return state_.epochs.at({rack_.machine, model::Lane::kAudit, {epoch}});
  }
  [[nodiscard]] std::vector<AlarmKind> open() const {
    std::vector<AlarmKind> kinds;
    for (const auto& [id, alarm] : state_.open) kinds.push_back(alarm.kind);
    return kinds;
  }

  SeededRandom random_{11};
  ChainRack rack_;
  UnixNanos now_{1'795'000'000 * kNanosPerSecond};
  sink::AuditState state_;
  std::vector<std::pair<Epoch, sink::KnownBlock>> stored_;
  std::map<std::uint64_t, sink::AuditAlarm> told_;
  std::size_t asked_ = 0;
};

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

TEST_F(ChainWatchTest, EpochsAreHeldToTheEndsThatTheirSuccessorsName) {
  take({rack_.header(), rack_.records(5)});
  const auto tail = rack_.records(2);
  rack_.start_again();
  take({rack_.header(), rack_.records(1)});
  EXPECT_TRUE(open().empty());
  ASSERT_EQ(holes_of(chain(1)).size(), 1U);
  wait(121);
  EXPECT_THAT(open(), ElementsAre(AlarmKind::kGap));
  EXPECT_EQ(told_.rbegin()->second.what, "records 6 to 7 are missing");
  take(tail);
  EXPECT_TRUE(open().empty());
  EXPECT_TRUE(holes_of(chain(1)).empty());
}

TEST_F(ChainWatchTest, AnOlderCopyOfTheDirectoryIsARollback) {
  take({rack_.header(), rack_.records(5)});
  auto backup = rack_;
  take(rack_.records(5));
  backup.start_again();
  EXPECT_EQ(take(backup.header()), Verdict::kNew);
  EXPECT_THAT(open(), ElementsAre(AlarmKind::kRollback));
  EXPECT_THAT(told_.rbegin()->second.what, HasSubstr("names record 5 as the last of epoch 1, and record 10"));
}

TEST_F(ChainWatchTest, ALinkThatPassesOverAKnownEpochIsARollback) {
  take({rack_.header(), rack_.records(5)});
  rack_.start_again();
  auto backup = rack_;
  take({rack_.header(), rack_.records(5)});
  ++backup.epoch.value;
  take(backup.header());
  EXPECT_THAT(open(), ElementsAre(AlarmKind::kRollback));
  rack_.epoch.value = 7;
  rack_.start_again();
  rack_.link.reset();
  take(rack_.header());
  EXPECT_THAT(open(), ElementsAre(AlarmKind::kRollback, AlarmKind::kRollback));
}

// Told by its hello, before or without any record, and by the chain: one thing, one alarm.
TEST_F(ChainWatchTest, AStartThatTheDirectoryDoesNotKnowIsARollback) {
  take({rack_.header(), rack_.records(5)});
  auto backup = rack_;
  take(rack_.records(5));
  backup.start_again();
  {
    ChainWatch watch(state_, now_);
    watch.take_start({rack_.machine, model::Lane::kAudit, backup.epoch}, "edge", Epoch{1}, Epoch{7});
    apply(watch.finish());
  }
  EXPECT_THAT(open(), ElementsAre(AlarmKind::kRollback));
  EXPECT_EQ(told_.rbegin()->second.rack, "edge");
  EXPECT_THAT(told_.rbegin()->second.what, HasSubstr("started last as epoch 1, and epoch 7 said hello"));
  take(backup.header());
  EXPECT_THAT(open(), ElementsAre(AlarmKind::kRollback));
  EXPECT_EQ(told_.rbegin()->second.count, 2U);
}

TEST_F(ChainWatchTest, ARollbackThatWasClosedIsNotToldAgainByWhatCameLaterOfTheSameStart) {
  const auto close_all = [&] {
    sink::AuditChanges changes;
    for (auto [id, alarm] : state_.open) {
      alarm.closed = true;
      alarm.resolved = now_;
      changes.alarms.push_back(alarm);
    }
    apply(changes);
  };
  const auto say_hello = [&](Epoch epoch) {
    ChainWatch watch(state_, now_);
    watch.take_start({rack_.machine, model::Lane::kAudit, epoch}, "edge", Epoch{1}, Epoch{7});
    apply(watch.finish());
  };
  take({rack_.header(), rack_.records(5)});
  auto backup = rack_;
  take(rack_.records(5));
  backup.start_again();
  say_hello(backup.epoch);
  ASSERT_THAT(open(), ElementsAre(AlarmKind::kRollback));
  close_all();
  take(backup.header());
  EXPECT_THAT(open(), IsEmpty());
  say_hello(backup.epoch);
  EXPECT_THAT(open(), IsEmpty());
  say_hello({backup.epoch.value + 1});
  EXPECT_THAT(open(), ElementsAre(AlarmKind::kRollback)) << "another start is another thing";
}

TEST_F(ChainWatchTest, AnEpochOfWhichNothingCameIsMissed) {
  take({rack_.header(), rack_.records(5)});
  rack_.start_again();
  const std::vector<Bytes> second = {rack_.header(), rack_.records(5)};
  rack_.start_again();
  take(rack_.header());
  wait(121);
  EXPECT_THAT(open(), ElementsAre(AlarmKind::kGap));
  EXPECT_EQ(told_.rbegin()->second.what, "records 1 to 5 are missing");
  take(second);
  EXPECT_TRUE(open().empty());
}

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
