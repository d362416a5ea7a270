#include <algorithm>
#include <cerrno>
#include <functional>

#include "wal/recovery.hpp"

#include "wal/inspect.hpp"
#include "wal/test_lane.hpp"

namespace fluxrig::wal {
namespace {

TEST(WalRecovery, CutsATornTailAtEveryByteOfTheLastFrame) {
  TestLane original;
  original.open();
  ASSERT_TRUE(original.append(2));
  ASSERT_TRUE(original.writer->sync());
  const std::uint64_t start = original.writer->durable().get().offset;
  ASSERT_TRUE(original.append(3));
  ASSERT_TRUE(original.writer->sync());
  const std::uint64_t end = original.writer->durable().get().offset;
  const Bytes whole = original.disk.content(original.newest());
  for (std::uint64_t cut = start; cut < end; ++cut) {
    TestLane lane;
    lane.open();
    ASSERT_TRUE(lane.append(2));
    ASSERT_TRUE(lane.writer->sync());
    lane.writer.reset();
    lane.disk.kill();
    Bytes& content = lane.disk.content(lane.newest());
    content = whole;
    std::fill(content.begin() + static_cast<std::ptrdiff_t>(cut), content.end(), std::uint8_t{0});
    lane.open();
    EXPECT_TRUE(lane.writer->recovered().damages.empty()) << cut;
    EXPECT_EQ(lane.writer->recovered().cut_bytes > 0, cut > start) << cut;
    const auto records = read_all(lane.disk, lane.directory);
    expect_gapless(records, Epoch{1}, 2);
    ASSERT_TRUE(lane.append(1));
    ASSERT_TRUE(lane.writer->sync());
    expect_gapless(read_all(lane.disk, lane.directory), Epoch{2}, 1);
  }
}

TEST(WalRecovery, WritesARecoveryBlockWithTheBytesCutAndSealsTheSegment) {
  TestLane lane;
  lane.open();
  ASSERT_TRUE(lane.append(2));
  ASSERT_TRUE(lane.writer->sync());
  const std::uint64_t tail = lane.writer->durable().get().offset;
  lane.writer.reset();
  Bytes& content = lane.disk.content(lane.newest());
  content[tail] = 0x82;
  content[tail + 1] = 0x1a;
  content[tail + 2999] = 0x77;  // further than the recovery block and the seal reach
  lane.open();
  EXPECT_EQ(lane.writer->recovered().cut_bytes, 3000U);
  EXPECT_EQ(lane.writer->recovered().cut_offset, tail);
  Cursor cursor(lane.disk, lane.directory, {});
  std::vector<model::BlockKind> kinds;
  for (auto block = cursor.next(); block && *block; block = cursor.next()) {
    const auto& view = (*block)->view;
    kinds.push_back(view.head.kind);
    if (view.head.kind != model::BlockKind::kRecovery) continue;
    const auto body = decode_recovery_body(view.body);
    ASSERT_TRUE(body);
    EXPECT_EQ(body->cut_bytes, 3000U);
    EXPECT_EQ(body->offset, tail);
  }
  using enum model::BlockKind;
  EXPECT_EQ(kinds, (std::vector{kHeader, kRecords, kRecovery, kSeal, kHeader}));
  EXPECT_TRUE(verify(lane.disk, lane.directory)->good());
}

std::size_t recovery_blocks(TestLane& lane) {
  std::size_t count = 0;
  Cursor cursor(lane.disk, lane.directory, {});
  for (auto block = cursor.next(); block && *block; block = cursor.next())
    if ((*block)->view.head.kind == model::BlockKind::kRecovery) ++count;
  return count;
}

// A rotten last block looks like a torn tail. The start that cuts it may die before it can warn, and the next
// one finds nothing to cut: then the recovery block tells.
void expect_cut_is_named(std::uint64_t operations, const std::function<void(MemoryDisk&)>& die) {
  TestLane lane;
  lane.open();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(lane.append(2, 700));
  ASSERT_TRUE(lane.writer->sync());
  const std::uint64_t end = lane.writer->durable().get().offset;
  lane.writer.reset();
  lane.disk.kill();
  const auto rotten = lane.disk.open(lane.newest(), OpenMode::kReadWrite);
  ASSERT_TRUE((*rotten)->write_at(end - 100, Bytes{'y'}));
  ASSERT_TRUE((*rotten)->sync());
  lane.disk.stop_after(operations);
  (void)Writer::open(
      {lane.disk, lane.clock, lane.directory, test_machine(), model::Lane::kAudit, lane.options});
  die(lane.disk);
  lane.open();
  const auto& recovered = lane.writer->recovered();
  EXPECT_TRUE(recovered.cut_bytes != 0 || !recovered.damages.empty() || recovery_blocks(lane) != 0)
      << "died at operation " << operations;
  EXPECT_EQ(read_all(lane.disk, lane.directory).size(), 2U) << operations;
}

TEST(WalRecovery, NamesWhatItCutsWhereverItIsKilled) {
  for (std::uint64_t operations = 0; operations < 12; ++operations)
    expect_cut_is_named(operations, [](MemoryDisk& disk) { disk.kill(); });
}

TEST(WalRecovery, NamesWhatItCutsWhereverItLosesPower) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SeededRandom random(seed);
    for (std::uint64_t operations = 0; operations < 12; ++operations)
      expect_cut_is_named(operations, [&](MemoryDisk& disk) { disk.crash(random); });
  }
}

TEST(WalRecovery, KeepsWhatFollowsDamageInTheMiddleAndReportsIt) {
  TestLane lane;
  lane.open();
  ASSERT_TRUE(lane.append());
  ASSERT_TRUE(lane.writer->sync());
  const std::uint64_t middle = lane.writer->durable().get().offset;
  ASSERT_TRUE(lane.append());
  ASSERT_TRUE(lane.append());
  ASSERT_TRUE(lane.writer->sync());
  lane.writer.reset();
  lane.disk.content(lane.newest())[middle + 30] ^= 1;
  lane.open();
  ASSERT_EQ(lane.writer->recovered().damages.size(), 1U);
  EXPECT_EQ(lane.writer->recovered().damages[0].offset, middle);
  EXPECT_EQ(lane.writer->recovered().damages[0].sequence.value, 2U);
  EXPECT_EQ(lane.writer->recovered().cut_bytes, 0U);
  Cursor cursor(lane.disk, lane.directory, {});
  EXPECT_EQ(read_records(cursor).size(), 1U);
  ASSERT_TRUE(cursor.damage());
  EXPECT_EQ(cursor.damage()->offset, middle);
  EXPECT_EQ(cursor.next().error().code, ErrorCode::kCorrupt);  // until told otherwise
  ASSERT_TRUE(cursor.skip_damage());
  const auto rest = read_records(cursor);
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].sequence.value, 3U);
}

TEST(WalRecovery, RemovesASegmentThatACrashLeftBeforeItsHeader) {
  TestLane lane;
  lane.open();
  ASSERT_TRUE(lane.append());
  ASSERT_TRUE(lane.writer->sync());
  lane.writer.reset();
  lane.disk.kill();
  ASSERT_TRUE(
      lane.disk.open("audit/" + to_string(SegmentName{Epoch{1}, Sequence{2}}), OpenMode::kCreateEmpty));
  lane.open();
  EXPECT_EQ(lane.writer->recovered().segments, 1U);
  EXPECT_EQ(lane.writer->recovered().link->end.value, 2U);
}

// Random work, then power loss that keeps any part of what was not synced: what was synced is there, in
// order.
TEST(WalRecovery, KeepsEverySyncedRecordOverPowerLoss) {
  const std::uint64_t seed = SeededRandom::from_system().next();
  SCOPED_TRACE("seed " + std::to_string(seed));
  SeededRandom random(seed);
  for (int round = 0; round < 200; ++round) {
    TestLane lane;
    std::vector<std::pair<Epoch, std::uint64_t>> synced;
    lane.open();
    for (int start = 0; start < 3; ++start) {
      std::uint64_t safe = 0;
      lane.disk.stop_after(random.below(80));
      for (int step = 0; step < 60; ++step) {
        (void)lane.append(static_cast<std::uint32_t>(1 + random.below(3)), random.below(900));
        if (random.below(3) == 0 && lane.writer->sync()) safe = lane.writer->next_sequence().value - 1;
        if (random.below(4) == 0) (void)lane.writer->maintain();
      }
      synced.emplace_back(lane.writer->epoch(), safe);
      lane.writer.reset();
      lane.disk.crash(random);
      lane.open();
      Cursor cursor(lane.disk, lane.directory, {}, &lane.writer->durable());
      std::vector<ReadRecord> records = read_records(cursor);
      while (cursor.damage()) {  // sectors lost between unsynced frames
        ASSERT_TRUE(cursor.skip_damage());
        const auto more = read_records(cursor);
        records.insert(records.end(), more.begin(), more.end());
      }
      for (const auto& [epoch, count] : synced) {
        std::uint64_t next = 1;
        for (const auto& record : records) {
          if (record.epoch != epoch || record.sequence.value > count) continue;
          ASSERT_EQ(record.sequence.value, next);
          ASSERT_EQ(record.number, next);
          ++next;
        }
        ASSERT_EQ(next - 1, count) << "round " << round << " epoch " << epoch.value;
      }
    }
  }
}

TEST(WalRecovery, LeavesNoTornBytesWhereAFullDiskRefusedToClearThem) {
  TestLane lane;
  lane.open();
  ASSERT_TRUE(lane.append(3));
  ASSERT_TRUE(lane.writer->sync());
  lane.writer.reset();
  lane.disk.kill();
  const SegmentName name = list_segments(lane.disk, lane.directory)->back();
  const auto scan = scan_segment(lane.disk, lane.directory, name);
  ASSERT_TRUE(scan);
  std::fill_n(lane.disk.content(lane.newest()).begin() + static_cast<std::ptrdiff_t>(scan->tail), 300,
              std::uint8_t{0x55});
  lane.disk.fail_next(MemoryDisk::Operation::kWrite, ENOSPC);
  lane.open();
  ASSERT_TRUE(lane.writer->recovered().seal_error);
  EXPECT_EQ(scan_segment(lane.disk, lane.directory, name)->torn_bytes, 0U);
  EXPECT_EQ(scan_segment(lane.disk, lane.directory, name)->damage_count, 0U);
}

}  // namespace
}  // namespace fluxrig::wal
