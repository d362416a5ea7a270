// A segment goes when the mixer has its records and its chain; damage is named, declared and put aside.
#include <cerrno>

#include "wal/damage.hpp"
#include "wal/segment_scan.hpp"
#include "wal/test_chain.hpp"

namespace fluxrig::wal {
namespace {

struct Releasing : SignedLane {
  Receipts receipts;
  // Two segments: the first of 20 records, closed.
  void fill() {
    start();
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(append(1, 500));
    checkpoint();
    ASSERT_TRUE(writer->rotate());
    ASSERT_TRUE(receipts.add(writer->epoch(), {Sequence{1}, Sequence{20}}));
  }
  std::size_t released() {
    const auto counts = writer->release(receipts);
    EXPECT_TRUE(counts);
    return counts ? counts->segments : 0;
  }
};

model::Hash hash_of_last(Releasing& lane, model::BlockKind kind) {
  model::Hash hash{};
  for (const auto& block : blocks_of(lane.disk, lane.directory))
    if (kind_of(block) == kind) hash = model::hash_block(block);
  return hash;
}

TEST(ChainRelease, KeepsEverythingUntilTheMixerSaysHowFarItHoldsTheChain) {
  Releasing lane;
  lane.fill();
  EXPECT_EQ(lane.released(), 0U);
  (void)lane.receipts.set_chain(Epoch{1}, {Sequence{1}, {}});
  EXPECT_EQ(lane.released(), 0U) << "it has the records, and not the chain's beginning";
  (void)lane.receipts.set_chain(Epoch{1}, {Sequence{21}, lane.writer->head()});
  EXPECT_EQ(lane.released(), 1U);
}

TEST(ChainRelease, WaitsUntilTheMixersChainIsPastTheSeal) {
  Releasing lane;
  lane.fill();
  (void)lane.receipts.set_chain(Epoch{1}, {Sequence{15}, {}});
  EXPECT_EQ(lane.released(), 0U);
  EXPECT_EQ(lane.writer->waiting_for_chain(), 1U);
  (void)lane.receipts.set_chain(Epoch{1}, {Sequence{21}, hash_of_last(lane, model::BlockKind::kCheckpoint)});
  EXPECT_EQ(lane.released(), 0U) << "the seal is not there yet";
  (void)lane.receipts.set_chain(Epoch{1}, {Sequence{21}, hash_of_last(lane, model::BlockKind::kSeal)});
  EXPECT_EQ(lane.released(), 1U);
  EXPECT_EQ(lane.writer->waiting_for_chain(), 0U);
}

TEST(ChainRelease, TakesABlockBehindTheSealForPastIt) {
  Releasing lane;
  lane.fill();
  (void)lane.receipts.set_chain(Epoch{1}, {Sequence{21}, lane.writer->head()});  // the next segment's header
  EXPECT_EQ(lane.released(), 1U);
}

// All records have their receipts, and still the mixer needs the seal: a bit that rots before it is no reason
// to take it for sent.
TEST(ChainRelease, LooksForTheMixersHeadBehindDamageToo) {
  Releasing lane;
  lane.fill();
  lane.disk.content(lane.oldest())[2000] ^= 1;
  (void)lane.receipts.set_chain(Epoch{1}, {Sequence{21}, hash_of_last(lane, model::BlockKind::kCheckpoint)});
  EXPECT_EQ(lane.released(), 0U) << "the seal is not there yet";
  EXPECT_EQ(lane.writer->waiting_for_chain(), 1U);
  (void)lane.receipts.set_chain(Epoch{1}, {Sequence{21}, hash_of_last(lane, model::BlockKind::kSeal)});
  EXPECT_EQ(lane.released(), 1U);
}

TEST(ChainRelease, KeepsADamagedSegmentInWhichTheMixersHeadMayBeWhatIsDamaged) {
  Releasing lane;
  lane.fill();
  const model::Hash head = hash_of_last(lane, model::BlockKind::kCheckpoint);
  const auto name = list_segments(lane.disk, lane.directory)->front();
  Bytes& content = lane.disk.content(lane.oldest());
  const auto scan = scan_segment(lane.disk, lane.directory, name);
  ASSERT_TRUE(scan);
  // Checkpoint, then the seal, at the end.
  content[static_cast<std::size_t>(scan->tail) - 150] ^= 1;
  ASSERT_EQ(hash_of_last(lane, model::BlockKind::kCheckpoint), model::Hash{}) << "it is the checkpoint's";
  (void)lane.receipts.set_chain(Epoch{1}, {Sequence{21}, head});
  EXPECT_EQ(lane.released(), 0U);
  lane.writer->mark_damaged(name);
  EXPECT_EQ(lane.released(), 1U) << "declared";
}

TEST(ChainRelease, KeepsASegmentWithoutRecordsUntilTheMixersChainIsAtItsEnd) {
  Releasing lane;
  lane.fill();
  const model::Hash seal = hash_of_last(lane, model::BlockKind::kSeal);
  lane.start_again();  // seals the one without records
  (void)lane.receipts.set_chain(Epoch{1}, {Sequence{21}, seal});
  EXPECT_EQ(lane.released(), 1U) << "the mixer has not seen the second";
  EXPECT_EQ(lane.writer->waiting_for_chain(), 1U);
  (void)lane.receipts.set_chain(Epoch{1}, {Sequence{21}, lane.writer->recovered().link->head});
  EXPECT_EQ(lane.released(), 1U);
}

TEST(ChainRelease, KeepsAnEpochOfWhichTheMixerHasNoChainWhateverItHasOfLaterOnes) {
  Releasing lane;
  lane.fill();
  lane.start_again();
  ASSERT_TRUE(lane.receipts.add(Epoch{2}, {Sequence{3}, Sequence{3}}));
  (void)lane.receipts.set_chain(Epoch{3}, {Sequence{2}, {}});
  EXPECT_EQ(lane.released(), 0U);
  EXPECT_EQ(lane.writer->waiting_for_chain(), 2U);
}

TEST(ChainRelease, ReleasesASegmentThatAFullDiskLeftWithoutASeal) {
  Releasing lane;
  lane.start();
  ASSERT_TRUE(lane.append(20));
  ASSERT_TRUE(lane.writer->sync());
  lane.writer.reset();
  lane.disk.kill();
  lane.disk.fail_next(MemoryDisk::Operation::kWrite, ENOSPC);
  lane.open();
  ASSERT_TRUE(lane.writer->recovered().seal_error);
  ASSERT_TRUE(lane.receipts.add(Epoch{1}, {Sequence{1}, Sequence{20}}));
  (void)lane.receipts.set_chain(Epoch{1}, {Sequence{21}, lane.writer->recovered().link->head});
  EXPECT_EQ(lane.released(), 1U);
}

TEST(ChainRelease, KeepsASegmentThatItCannotReadUntilItCan) {
  Releasing lane;
  lane.fill();
  (void)lane.receipts.set_chain(Epoch{1}, {Sequence{21}, hash_of_last(lane, model::BlockKind::kCheckpoint)});
  lane.disk.fail_next(MemoryDisk::Operation::kRead, EIO);
  EXPECT_EQ(lane.released(), 0U);
  (void)lane.receipts.set_chain(Epoch{1}, {Sequence{21}, hash_of_last(lane, model::BlockKind::kSeal)});
  EXPECT_EQ(lane.released(), 1U);
}

TEST(ChainRelease, KeepsTheMixersHeadOverARestart) {
  Releasing lane;
  lane.fill();
  const Receipts::ChainHead head{Sequence{7}, lane.writer->head()};
  EXPECT_TRUE(lane.receipts.set_chain(Epoch{1}, head));
  EXPECT_FALSE(lane.receipts.set_chain(Epoch{1}, head));
  ASSERT_TRUE(lane.receipts.store(lane.disk, lane.directory));
  const auto loaded = Receipts::load(lane.disk, lane.directory);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->chain(Epoch{1}), head);
  EXPECT_FALSE(loaded->changed());
  EXPECT_FALSE(loaded->chain(Epoch{2}));
}

TEST(Damage, IsNamedAsTheSequencesThatCannotBeRead) {
  Releasing lane;
  lane.fill();
  const auto name = list_segments(lane.disk, lane.directory)->front();
  EXPECT_TRUE(damaged_ranges(lane.disk, lane.directory, name, Sequence{21})->empty());
  Bytes& content = lane.disk.content(lane.oldest());
  content[2000] ^= 1;
  content[9000] ^= 1;
  const auto ranges = damaged_ranges(lane.disk, lane.directory, name, Sequence{21});
  ASSERT_TRUE(ranges);
  ASSERT_EQ(ranges->size(), 2U);
  EXPECT_EQ((*ranges)[0].first, (*ranges)[0].last);
  EXPECT_LT((*ranges)[0].last, (*ranges)[1].first);
  std::fill(content.begin(), content.end(), std::uint8_t{0x77});
  EXPECT_EQ(damaged_ranges(lane.disk, lane.directory, name, Sequence{21}),
            (std::vector{LossBody::Range{Epoch{1}, Sequence{1}, Sequence{20}}}));
}

TEST(Damage, PutsTheSegmentAsideInsteadOfDeletingIt) {
  Releasing lane;
  lane.fill();
  const std::string path = lane.oldest();
  (void)lane.receipts.set_chain(Epoch{1}, {Sequence{3}, {}});
  lane.writer->mark_damaged(list_segments(lane.disk, lane.directory)->front());
  EXPECT_EQ(lane.released(), 0U) << "blocks without records behind the damage may be missing there";
  (void)lane.receipts.set_chain(Epoch{1}, {Sequence{21}, {}});
  EXPECT_EQ(lane.released(), 1U);
  EXPECT_TRUE(lane.disk.exists(path + ".damaged"));
  EXPECT_FALSE(lane.disk.exists(path));
}

// The block that declares the damage has no sequence of its own, so no receipt ever names it.
TEST(Damage, IsDeclaredToTheMixerBeforeTheDeclarationGoes) {
  Releasing lane;
  lane.fill();
  const auto name = list_segments(lane.disk, lane.directory)->front();
  lane.loss(
      {"damage", std::uint64_t{1}, {1}, UnixNanos{2}, LossBody::Range{Epoch{1}, Sequence{3}, Sequence{3}}});
  lane.checkpoint();
  const model::Hash before = hash_of_last(lane, model::BlockKind::kHeader);
  lane.writer->mark_damaged(name);
  ASSERT_TRUE(lane.append(1, 500));
  ASSERT_TRUE(lane.writer->rotate());
  ASSERT_TRUE(lane.receipts.add(Epoch{1}, {Sequence{21}, Sequence{21}}));
  (void)lane.receipts.set_chain(Epoch{1}, {Sequence{21}, before});
  EXPECT_EQ(lane.released(), 1U) << "the damaged one";
  EXPECT_EQ(lane.writer->waiting_for_chain(), 1U);
  (void)lane.receipts.set_chain(Epoch{1}, {Sequence{22}, lane.writer->head()});
  EXPECT_EQ(lane.released(), 1U);
}

TEST(FullDisk, StillTakesALossAndACheckpointWhereNoRecordHasRoom) {
  SignedLane lane;
  lane.start();
  lane.disk.set_capacity(80'000);
  while (lane.append(1, 700)) continue;
  const Sequence end = lane.writer->next_sequence();
  ASSERT_TRUE(lane.writer->sync());
  lane.loss({"disk_full", std::nullopt, {1}, std::nullopt, std::nullopt});
  lane.checkpoint();
  EXPECT_FALSE(lane.append(1, 700));
  const auto report = verify_chain(lane.disk, lane.directory, {})->report;
  EXPECT_TRUE(report.good()) << summary(report);
  EXPECT_EQ(report.losses.size(), 1U);
  EXPECT_EQ(report.signed_to.value + 1, end.value);
}

TEST(FullDisk, IsOutlivedOnTheReserveWhichIsTakenAgainAfterwards) {
  SignedLane lane;
  lane.options.segment_bytes = 1U << 20;
  lane.options.reserve_bytes = 2 * Reserve::kStepBytes;
  lane.disk.set_capacity(64U << 20);
  lane.start();
  while (*lane.writer->maintain()) continue;
  ASSERT_TRUE(lane.disk.exists("audit/reserve-2"));
  // Somebody else takes all that is left.
  auto file = lane.disk.open("audit/others", OpenMode::kCreateEmpty);
  ASSERT_TRUE((*file)->allocate(*lane.disk.free_bytes("audit")));
  for (int i = 0; i < 3000; ++i) ASSERT_TRUE(lane.append(1, 700)) << i;
  EXPECT_TRUE(lane.writer->on_reserve());
  file->reset();
  ASSERT_TRUE(lane.disk.unlink("audit/others"));
  for (int i = 0; i < 100 && lane.writer->on_reserve(); ++i) ASSERT_TRUE(lane.writer->maintain());
  EXPECT_FALSE(lane.writer->on_reserve());
  EXPECT_TRUE(lane.disk.exists("audit/reserve-2"));
}

}  // namespace
}  // namespace fluxrig::wal
