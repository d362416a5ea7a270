// Epochs after each other: their ends, rollbacks, and those of which nothing came.
#include "mixer/chain_pieces.hpp"
#include "mixer/chain_watch_fixture.hpp"

namespace fluxrig::mixer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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

}  // namespace
}  // namespace fluxrig::mixer
