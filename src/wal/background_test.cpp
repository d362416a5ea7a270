// The writer's slow work done beside it: spares are zeroed, and made ahead, while appends go on.
#include <cerrno>
#include <deque>

#include "wal/chain_walk.hpp"
#include "wal/test_lane.hpp"
#include "wal/work_thread.hpp"

namespace fluxrig::wal {
namespace {

// Does the work when the test says so.
class ManualBackground final : public Background {
 public:
  void start(Work work) override {
    ASSERT_FALSE(work_);
    work_ = std::move(work);
    ++started;
  }
  [[nodiscard]] bool done() const noexcept override { return outcome_.has_value(); }
  [[nodiscard]] Result<void> take() override {
    finish();
    work_ = {};
    return *std::exchange(outcome_, std::nullopt);
  }
  void finish() {
    if (!outcome_) outcome_ = work_();
  }
  [[nodiscard]] bool busy() const { return static_cast<bool>(work_); }
  int started = 0;

 private:
  Work work_;
  std::optional<Result<void>> outcome_;
};

struct BackgroundLane : TestLane {
  ManualBackground background;
  BackgroundLane() {
    options.segment_bytes = 128U << 10;
    options.directory_bytes = 4U << 20;
  }
  ~BackgroundLane() { writer.reset(); }
  void open_beside() {
    open();
    writer->work_beside(&background);
  }
  // Until so many segments are closed; housekeeping in between, as the pump does it.
  void fill(std::size_t segments) {
    while (writer->segment_count() <= segments) {
      ASSERT_TRUE(append(4, 500));
      ASSERT_TRUE(writer->sync());
      const auto more = writer->maintain();
      ASSERT_TRUE(more);
      if (*more) continue;
      if (background.busy()) background.finish();
    }
  }
  std::vector<std::string> spares() {
    std::vector<std::string> found;
    const auto names = disk.list(directory);
    for (const auto& name : *names)
      if (name.starts_with("spare-")) found.push_back(name);
    return found;
  }
};

TEST(WalBackground, ASegmentThatFillsFastFindsTheNextOneReadyAndZeroed) {
  BackgroundLane lane;
  lane.open_beside();
  lane.fill(1);
  ASSERT_GT(lane.background.started, 0);
  // The new segment is the spare: all of it is there before anything is zeroed by an append.
  EXPECT_EQ(lane.disk.content(lane.newest()).size(), lane.options.segment_bytes);
  const Bytes content = lane.disk.content(lane.newest());
  ASSERT_TRUE(lane.append());
  ASSERT_TRUE(lane.writer->sync());
  lane.fill(3);
  lane.writer->work_beside(nullptr);
  lane.restart();
  const auto verified = verify_chain(lane.disk, lane.directory, {});
  ASSERT_TRUE(verified);
  EXPECT_TRUE(verified->report.good());
}

TEST(WalBackground, AQuietLaneMakesNoSegmentAhead) {
  BackgroundLane lane;
  lane.open_beside();
  while (lane.writer->segment_count() == 1) {
    lane.clock.advance(kNanosPerSecond);
    ASSERT_TRUE(lane.append(4, 500));
    ASSERT_TRUE(lane.writer->sync());
    for (auto more = lane.writer->maintain(); more && *more;) more = lane.writer->maintain();
  }
  EXPECT_EQ(lane.background.started, 0);
  EXPECT_TRUE(lane.spares().empty());
}

TEST(WalBackground, NoSegmentIsMadeAheadOfALimitThatIsNear) {
  BackgroundLane lane;
  lane.options.directory_bytes = 2 * lane.options.segment_bytes;
  lane.open_beside();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(lane.append(4, 500));
    ASSERT_TRUE(lane.writer->sync());
    ASSERT_TRUE(lane.writer->maintain());
  }
  EXPECT_EQ(lane.background.started, 0);
}

TEST(WalBackground, ASpareIsNotUsedBeforeItsLastPieceIsDone) {
  BackgroundLane lane;
  lane.open_beside();
  while (!lane.background.busy()) {
    ASSERT_TRUE(lane.append(4, 500));
    ASSERT_TRUE(lane.writer->sync());
    ASSERT_TRUE(lane.writer->maintain());
  }
  // Rotated while the disk still works on the spare: the next segment is made by itself.
  ASSERT_TRUE(lane.writer->rotate());
  EXPECT_EQ(lane.spares().size(), 0U);  // nor is its file there
  EXPECT_LT(lane.disk.content(lane.newest()).size(), lane.options.segment_bytes);
  lane.background.finish();
  ASSERT_TRUE(lane.writer->maintain());
  ASSERT_TRUE(lane.append());
  ASSERT_TRUE(lane.writer->rotate());
  EXPECT_EQ(lane.disk.content(lane.newest()).size(), lane.options.segment_bytes);
}

TEST(WalBackground, ASpareThatCannotBeWrittenIsGivenUpAndAppendsGoOn) {
  BackgroundLane lane;
  lane.open_beside();
  while (!lane.background.busy()) {
    ASSERT_TRUE(lane.append(4, 500));
    ASSERT_TRUE(lane.writer->sync());
    ASSERT_TRUE(lane.writer->maintain());
  }
  lane.disk.fail_next(MemoryDisk::Operation::kSync, EIO);
  lane.background.finish();
  EXPECT_FALSE(lane.writer->maintain());
  EXPECT_TRUE(lane.spares().empty());
  const std::uint64_t before = lane.writer->next_sequence().value;
  lane.fill(2);
  lane.writer->work_beside(nullptr);
  EXPECT_GT(lane.writer->next_sequence().value, before);
  ASSERT_TRUE(lane.writer->sync());
  expect_gapless(read_all(lane.disk, lane.directory), Epoch{1}, lane.writer->next_sequence().value - 1);
}

// A full disk takes the spares back; the work under way may make its file after that.
TEST(WalBackground, ASpareThatIsGivenUpWhileItIsMadeLeavesNoFile) {
  BackgroundLane lane;
  lane.open_beside();
  while (!lane.background.busy()) {
    ASSERT_TRUE(lane.append(4, 500));
    ASSERT_TRUE(lane.writer->sync());
    ASSERT_TRUE(lane.writer->maintain());
  }
  lane.options.free_reserve_bytes = 1;
  lane.disk.set_capacity(1);  // nothing more fits
  for (int i = 0; i < 100 && lane.append(4, 500); ++i) {
  }
  lane.disk.set_capacity(10U << 20);
  lane.background.finish();
  EXPECT_EQ(lane.spares().size(), 1U);
  ASSERT_TRUE(lane.writer->maintain());
  EXPECT_TRUE(lane.spares().empty());
}

TEST(WalBackground, NothingThatWasSyncedIsLostWhereverThePowerGoesWhileSparesAreMade) {
  std::uint64_t operations = ~std::uint64_t{0};
  for (std::uint64_t stop = 1; stop <= operations; stop += 3) {
    BackgroundLane lane;
    lane.options.segment_bytes = WriterOptions::kMinSegmentBytes;
    lane.open_beside();
    const std::uint64_t before = lane.disk.operations();
    if (operations != ~std::uint64_t{0}) lane.disk.stop_after(stop);
    std::uint64_t durable = 0;
    Receipts receipts;
    for (int turn = 0; turn < 60; ++turn) {
      const auto range = lane.append(3, 600);
      if (!range || !lane.writer->sync()) break;
      durable = range->last.value;
      if (turn % 5 == 4) {
        (void)receipts.add(lane.writer->epoch(), {Sequence{1}, Sequence{durable}});
        if (!receipts.store(lane.disk, lane.directory) || !lane.writer->release(receipts)) break;
      }
      (void)lane.writer->maintain();
      if (turn % 2 == 0 && lane.background.busy()) lane.background.finish();
    }
    if (operations == ~std::uint64_t{0}) operations = lane.disk.operations() - before;
    lane.writer.reset();
    SeededRandom random(stop);
    lane.disk.crash(random);
    lane.open();
    EXPECT_TRUE(lane.writer->recovered().damages.empty()) << "power gone after operation " << stop;
    std::set<std::uint64_t> found;
    for (const auto& record : read_all(lane.disk, lane.directory)) found.insert(record.sequence.value);
    const auto stored = Receipts::load(lane.disk, lane.directory);
    ASSERT_TRUE(stored);
    for (std::uint64_t sequence = 1; sequence <= durable; ++sequence)
      ASSERT_TRUE(found.contains(sequence) ||
                  stored->covers(Epoch{1}, {Sequence{sequence}, Sequence{sequence}}))
          << "power gone after operation " << stop << ": record " << sequence << " of " << durable;
  }
  EXPECT_GT(operations, 150U);
}

TEST(WorkThread, GivesTheOutcomeOfEachPieceOfWorkAndTellsItsEnd) {
  std::atomic<int> ended{0};
  int done = 0;
  {
    WorkThread thread([&] {
      ++ended;
      ended.notify_all();
    });
    for (int i = 1; i <= 200; ++i) {
      thread.start([&done, i]() -> Result<void> {
        ++done;
        if (i % 2 == 0) return fail(ErrorCode::kIo, "the disk is broken", EIO);
        return {};
      });
      // Asked at once, or when it was told.
      if (i % 3 == 0) {
        for (int seen = ended.load(); seen < i; seen = ended.load()) ended.wait(seen);
        EXPECT_TRUE(thread.done());
      }
      EXPECT_EQ(thread.take().has_value(), i % 2 != 0);
      EXPECT_FALSE(thread.done());
      EXPECT_EQ(done, i);
    }
    thread.start([&done]() -> Result<void> {
      ++done;
      return {};
    });
  }
  EXPECT_EQ(done, 201);  // what was begun is ended
}

}  // namespace
}  // namespace fluxrig::wal
