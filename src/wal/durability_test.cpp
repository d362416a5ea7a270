// What docs/durability.md promises of the disk, with the power going at every operation in turn.
#include <set>

#include "tap/pump.hpp"
#include "wal/test_lane.hpp"

namespace fluxrig::wal {
namespace {

constexpr std::uint64_t kSeeds = 3;

// Every record up to `last` is on the disk, or in the receipts there.
void expect_kept(TestLane& lane, Epoch epoch, std::uint64_t last, const std::string& when) {
  std::set<std::uint64_t> found;
  for (const auto& record : read_all(lane.disk, lane.directory))
    if (record.epoch == epoch) found.insert(record.sequence.value);
  const auto receipts = Receipts::load(lane.disk, lane.directory);
  ASSERT_TRUE(receipts) << when;
  for (std::uint64_t sequence = 1; sequence <= last; ++sequence)
    EXPECT_TRUE(found.contains(sequence) || receipts->covers(epoch, {Sequence{sequence}, Sequence{sequence}}))
        << when << ": record " << sequence << " of " << last << " is gone";
}

// Group commits, rotations, receipts, releases and recycling, until the power goes. The last sequence that
// sync() called durable.
std::uint64_t work_until_power_goes(TestLane& lane) {
  std::uint64_t durable = 0;
  Receipts receipts;
  for (int turn = 0; turn < 60; ++turn) {
    const auto range = lane.append(3, 600);
    if (!range || !lane.writer->sync()) return durable;
    durable = range->last.value;
    // The mixer is some records behind; receipts are stored before segments go, as rack::AuditLane does.
    if (turn % 5 == 4 && durable > 20) {
      (void)receipts.add(lane.writer->epoch(), {Sequence{1}, Sequence{durable - 20}});
      if (!receipts.store(lane.disk, lane.directory) || !lane.writer->release(receipts)) return durable;
    }
    for (auto more = lane.writer->maintain(); more && *more;) more = lane.writer->maintain();
  }
  return durable;
}

TEST(Durability, NothingThatWasSyncedIsLostWhereverThePowerGoes) {
  std::uint64_t operations = ~std::uint64_t{0};
  for (std::uint64_t stop = 1; stop <= operations; ++stop) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      TestLane lane;
      lane.open();
      const std::uint64_t before = lane.disk.operations();
      if (operations != ~std::uint64_t{0}) lane.disk.stop_after(stop);
      const Epoch epoch = lane.writer->epoch();
      const std::uint64_t durable = work_until_power_goes(lane);
      if (operations == ~std::uint64_t{0}) operations = lane.disk.operations() - before;
      SeededRandom random(stop * kSeeds + seed);
      lane.writer.reset();
      lane.disk.crash(random);
      lane.open();
      const std::string when = "power gone after operation " + std::to_string(stop) + ", seed " +
                               std::to_string(stop * kSeeds + seed);
      expect_kept(lane, epoch, durable, when);
      if (::testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GT(operations, 150U);  // rotations, releases and renames are among them
}

TEST(Durability, ManyAppendsShareOneSync) {
  TestLane lane;
  lane.options.segment_bytes = 1U << 20;
  lane.open();
  while (*lane.writer->maintain()) {
  }
  const auto before = lane.disk.operations();
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(lane.append(1, 400));
  ASSERT_TRUE(lane.writer->sync());
  EXPECT_LE(lane.disk.operations() - before, 64U + 1U + 1U);  // a write each, one step of zeros, one sync
}

TEST(Durability, AReleasedSegmentNeverComesBackUnderItsOldName) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    TestLane lane;
    lane.open();
    const std::uint64_t durable = work_until_power_goes(lane);
    ASSERT_GT(durable, 100U);
    SeededRandom random(seed);
    lane.writer.reset();
    lane.disk.crash(random);
    lane.open();
    // A recycled segment that came back by its old name would hold zeros or frames of another place.
    EXPECT_TRUE(lane.writer->recovered().damages.empty()) << "seed " << seed;
  }
}

struct WriterOutput final : tap::AuditOutput {
  explicit WriterOutput(Writer& lane_writer) : writer(lane_writer) {}
  Result<void> append(const sanitize::CleanRecords& records) override {
    const auto range = writer.append(records.bytes(), records.count());
    if (!range) return tl::unexpected(range.error());
    return {};
  }
  Result<void> sync() override { return writer.sync(); }
  Writer& writer;
};

struct NoTelemetry final : tap::TelemetryOutput {
  void offer(model::Signal, const sanitize::CleanRecords&) override {}
  void count_dropped(model::DropCause, model::Signal, std::uint64_t) override {}
};

// The rest of a rack's commit path around the lane: what `durable()` covers may be answered.
struct CommitPath {
  explicit CommitPath(TestLane& lane) : output(*lane.writer) {}
  // How many of `count` transactions may be answered after one group commit.
  std::uint64_t commit(std::uint64_t count) {
    std::vector<tap::RingPosition> positions(count);
    for (auto& position : positions) {
      tap::RecordHead head;
      head.gear = names.name("shop");
      tap::Draft draft;
      draft.begin(head, "");
      if (draft.write(ring, position) == tap::Draft::Written::kNone) return 0;
    }
    (void)pump.step(true);
    std::uint64_t answered = 0;
    for (const auto& position : positions) answered += position <= pump.durable() ? 1 : 0;
    return answered;
  }

  SystemClock clock;
  tap::TickSource source;
  tap::TickConverter ticks{source, clock};
  tap::Names names;
  sanitize::Sanitizer sanitizer{sanitize::TokenKey{"k1", {}}};
  tap::Ring ring{16384};
  tap::EventQueue events;
  WriterOutput output;
  NoTelemetry telemetry;
  tap::Pump pump{{ring, events, tap::Assembler(names, sanitizer, ticks), ticks, output, telemetry, clock},
                 {}};
};

std::uint64_t records_on_disk(TestLane& lane) {
  Cursor cursor(lane.disk, lane.directory, {});
  std::uint64_t records = 0;
  for (auto block = cursor.next(); block && *block; block = cursor.next())
    records += (*block)->view.head.count;
  return records;
}

TEST(Durability, NoReplyIsDueBeforeTheGroupCommitOfItsRecordWhereverThePowerGoes) {
  std::uint64_t all_answered = 0;
  for (std::uint64_t stop = 0; stop < 30; ++stop) {
    TestLane lane;
    lane.open();
    CommitPath path(lane);
    lane.disk.stop_after(stop);
    std::uint64_t answered = 0;
    for (int batch = 0; batch < 12; ++batch) answered += path.commit(5);
    SeededRandom random(stop + 1);
    lane.writer.reset();
    lane.disk.crash(random);
    EXPECT_GE(records_on_disk(lane), answered) << "power gone after operation " << stop;
    all_answered += answered;
  }
  EXPECT_GT(all_answered, 300U);
}

TEST(Durability, ManyRepliesShareOneSync) {
  TestLane lane;
  lane.open();
  CommitPath path(lane);
  (void)path.commit(1);
  const auto before = lane.disk.operations();
  EXPECT_EQ(path.commit(30), 30U);
  EXPECT_EQ(lane.disk.operations() - before, 2U);  // one write, one sync
}

TEST(Durability, AFailedSyncAnswersNobody) {
  TestLane lane;
  lane.open();
  CommitPath path(lane);
  lane.disk.fail_next(MemoryDisk::Operation::kSync, EIO);
  EXPECT_EQ(path.commit(4), 0U);
  EXPECT_EQ(path.commit(1), 1U);
  EXPECT_EQ(records_on_disk(lane), 5U);
}

}  // namespace
}  // namespace fluxrig::wal
