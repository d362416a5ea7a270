// The audit lane on a disk that says no: what is signed and when, what is declared, what goes on.
#include "rack/audit_lane.hpp"

#include <gtest/gtest.h>

#include <cerrno>

#include "base/test_gate.hpp"
#include "cbor/encoder.hpp"
#include "wal/chain_walk.hpp"
#include "wal/memory_disk.hpp"

namespace fluxrig::rack {
namespace {

using Operation = wal::MemoryDisk::Operation;

struct AuditLaneTest : testing::Test {
  wal::MemoryDisk disk;
  ManualClock clock;
  Diagnostics diagnostics{clock, -1, DiagnosticFormat::kText, Severity::kError, pass_unsearched};
  std::unique_ptr<AuditLane> lane;
  std::map<std::string, std::uint64_t> drops;
  std::vector<wal::LossBody> lost;
  int behind = 0;
  bool backlog = false;  // older blocks are on their way
  std::uint64_t reserve_bytes = 0;
  std::uint64_t directory_bytes = wal::WriterOptions{}.directory_bytes;

  void start() {
    lane.reset();
    MachineId machine;
    machine.bytes.fill(3);
    auto key = wal::SigningKey::from_seed({4});
    wal::WriterOptions options;
    options.segment_bytes = wal::WriterOptions::kMinSegmentBytes;
    options.free_reserve_bytes = 0;
    options.reserve_bytes = reserve_bytes;
    options.directory_bytes = directory_bytes;
    options.public_key = key.public_key();
    auto writer = wal::Writer::open({disk, clock, "audit", machine, model::Lane::kAudit, options});
    ASSERT_TRUE(writer) << writer.error().message;
    auto receipts = wal::Receipts::load(disk, "audit").value_or(wal::Receipts{});
    lane = std::make_unique<AuditLane>(disk, *std::move(writer), std::move(receipts), clock, diagnostics);
    lane->sign_with(std::make_unique<wal::ChainSigner>(clock, std::move(key), machine, [this] {
      return wal::ChainSigner::Facts{drops, "builtin-1", "k1"};
    }));
    lane->listen({[this](const wal::LossBody& loss) { lost.push_back(loss); },
                  [this] {
                    ++behind;
                    return !backlog;
                  }});
  }
  Result<void> append(std::size_t bytes = 8) {
    Bytes record;
    cbor::Encoder(record).text(std::string(bytes, 'x'));
    return lane->append(record, 1);
  }
  void pass(std::int64_t nanos) {
    clock.advance(nanos);
    for (int i = 0; i < 20 && lane->housekeep(); ++i) continue;
  }
  wal::ChainReport verify() {
    const auto verified = wal::verify_chain(disk, "audit", {});
    EXPECT_TRUE(verified);
    return verified ? verified->report : wal::ChainReport{};
  }
};

TEST_F(AuditLaneTest, SignsWithinTwoSecondsAndThenRests) {
  start();
  pass(0);
  EXPECT_FALSE(lane->due());
  ASSERT_TRUE(append());
  ASSERT_TRUE(lane->sync());
  pass(0);
  ASSERT_TRUE(lane->due());
  EXPECT_LT(lane->due()->value - clock.monotonic().value, 2 * kNanosPerSecond);
  pass(lane->due()->value - clock.monotonic().value);
  EXPECT_TRUE(lane->take_news());
  EXPECT_EQ(verify().signed_to, Sequence{1});
  EXPECT_FALSE(lane->due());
  pass(10 * kNanosPerSecond);
  EXPECT_FALSE(lane->take_news());
  EXPECT_EQ(verify().checkpoints, 1U);
  drops["ring_full"] = 3;
  pass(0);
  pass(2 * kNanosPerSecond);
  EXPECT_EQ(verify().checkpoints, 2U);
}

TEST_F(AuditLaneTest, SignsTheLastRecordsBeforeTheSeal) {
  start();
  ASSERT_TRUE(append());
  lane->close();
  const auto report = verify();
  EXPECT_TRUE(report.good());
  EXPECT_EQ(report.unsigned_records, 0U);
}

TEST_F(AuditLaneTest, RefusesOnAFullDiskAndLosesNothing) {
  start();
  disk.set_capacity(80'000);
  std::uint64_t accepted = 0;
  while (append(700)) ++accepted;
  pass(kNanosPerSecond);
  disk.set_capacity(1U << 20);
  ASSERT_TRUE(append(700));
  lane->close();
  const auto report = verify();
  EXPECT_TRUE(report.good()) << wal::summary(report);
  EXPECT_EQ(report.records, accepted + 1);
  EXPECT_TRUE(report.losses.empty());
}

TEST_F(AuditLaneTest, GoesOnOnAFullDiskWhenToldToAndDeclaresWhatItLost) {
  start();
  lane->continue_when_full();
  disk.set_capacity(80'000);
  while (lane->lost() == 0) ASSERT_TRUE(append(700));
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(append(700));
  ASSERT_TRUE(lane->sync());
  EXPECT_EQ(lane->lost(), 10U);
  pass(kNanosPerSecond);
  const auto open = verify();
  EXPECT_TRUE(open.good()) << wal::summary(open);
  ASSERT_EQ(open.losses.size(), 1U);
  EXPECT_FALSE(open.losses[0].body.to) << "it goes on";
  EXPECT_EQ(open.unsigned_records, 0U) << "the declaration is signed";

  disk.set_capacity(4U << 20);
  clock.advance(kNanosPerSecond);
  ASSERT_TRUE(append(700));
  lane->close();
  const auto report = verify();
  EXPECT_TRUE(report.good()) << wal::summary(report);
  ASSERT_EQ(report.losses.size(), 1U);
  EXPECT_EQ(report.losses[0].body.count, 10U);
  EXPECT_EQ(report.losses[0].body.cause, "disk_full");
  EXPECT_EQ(report.losses[0].sequence, report.next.value == 0 ? Sequence{} : Sequence{report.next.value - 1});
  ASSERT_EQ(lost.size(), 1U);
  EXPECT_EQ(lost[0].count, 10U);
}

TEST_F(AuditLaneTest, LooksForSpaceAgainWhileItLivesOnItsReserve) {
  reserve_bytes = 2 * wal::Reserve::kStepBytes;
  start();
  pass(0);
  ASSERT_TRUE(disk.exists("audit/reserve-2"));
  auto file = disk.open("audit/others", wal::OpenMode::kCreateEmpty);
  disk.set_capacity(64U << 20);
  ASSERT_TRUE((*file)->allocate(*disk.free_bytes("audit")));
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(append(700)) << i;
  pass(0);
  EXPECT_TRUE(lane->on_reserve());
  ASSERT_TRUE(lane->due());
  EXPECT_LE(lane->due()->value - clock.monotonic().value, kNanosPerSecond);
  file->reset();
  ASSERT_TRUE(disk.unlink("audit/others"));
  pass(kNanosPerSecond);
  EXPECT_FALSE(lane->on_reserve());
}

TEST_F(AuditLaneTest, SaysThatTheDiskFailedOnceItWorksAgain) {
  start();
  ASSERT_TRUE(append());
  disk.fail_next(Operation::kSync, EIO);
  EXPECT_FALSE(lane->sync());
  pass(kNanosPerSecond);
  lane->close();
  const auto report = verify();
  EXPECT_TRUE(report.good()) << wal::summary(report);
  ASSERT_EQ(report.losses.size(), 1U);
  EXPECT_EQ(report.losses[0].body.cause, "io_error");
  EXPECT_EQ(report.losses[0].body.count, 0U);
  EXPECT_EQ(report.records, 1U);
}

TEST_F(AuditLaneTest, OutlivesEveryOperationOfTheDiskFailingOnce) {
  for (const auto operation : {Operation::kOpen, Operation::kWrite, Operation::kSync, Operation::kRename,
                               Operation::kUnlink, Operation::kSyncDirectory}) {
    for (const int number : {EIO, ENOSPC, EROFS}) {
      start();
      std::uint64_t accepted = lane->writer().next_sequence().value - 1;
      for (int i = 0; i < 60; ++i) {
        if (i == 20) disk.fail_next(operation, number, 3);
        if (append(700)) ++accepted;
        (void)lane->sync();
        pass(200 * kNanosPerMilli);
      }
      disk.fail_next(operation, number, 0);
      lane->close();
      const auto report = verify();
      EXPECT_TRUE(report.good()) << wal::summary(report);
      EXPECT_EQ(report.next.value, accepted + 1);
    }
  }
}

TEST_F(AuditLaneTest, DeclaresADamagedSegmentOnceAndPutsItAside) {
  start();
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(append(700));
  lane->close();
  const model::Receipt::ChainHead end{Sequence{41}, lane->writer().head()};
  const auto first = wal::list_segments(disk, "audit")->front();
  disk.content(path_of("audit", first))[3000] ^= 1;
  for (int round = 0; round < 2; ++round) {
    start();
    lane->deliver_damage(to_string(first));
    lane->deliver_damage(to_string(first));
    pass(2 * kNanosPerSecond);
    pass(2 * kNanosPerSecond);
  }
  const auto declared = verify();
  EXPECT_TRUE(declared.good()) << wal::summary(declared);
  EXPECT_EQ(declared.losses.size(), 1U) << "remembered over the restart";
  EXPECT_EQ(declared.lost_records, 1U);
  lane->deliver_receipt({model::Lane::kAudit, first.epoch, {{Sequence{1}, Sequence{40}}}, end});
  pass(2 * kNanosPerSecond);
  EXPECT_TRUE(disk.exists(path_of("audit", first) + ".damaged"));
  EXPECT_TRUE(verify().good());
}

// The mixer's chain stops at the damage, so nothing behind it goes before it is declared.
TEST_F(AuditLaneTest, DeclaresDamageInALaneAtItsLimitSoThatItHasRoomAgain) {
  start();
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(append(700));
  lane->close();
  const model::Receipt::ChainHead end{Sequence{41}, lane->writer().head()};
  const auto first = wal::list_segments(disk, "audit")->front();
  disk.content(path_of("audit", first))[3000] ^= 1;
  directory_bytes = lane->writer().used_bytes();
  for (int round = 0; round < 3; ++round) {
    start();
    ASSERT_EQ(append().error().code, ErrorCode::kFull);
    lane->deliver_damage(to_string(first));
    pass(2 * kNanosPerSecond);
    pass(2 * kNanosPerSecond);
    EXPECT_LE(lane->writer().used_bytes(), directory_bytes + wal::WriterOptions::kMinSegmentBytes);
  }
  EXPECT_EQ(verify().lost_records, 1U);
  lane->deliver_receipt({model::Lane::kAudit, first.epoch, {{Sequence{1}, Sequence{40}}}, end});
  pass(2 * kNanosPerSecond);
  EXPECT_TRUE(append());
}

TEST_F(AuditLaneTest, ReleasesSoonerWhileSegmentsCloseFast) {
  start();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(append(700));
  ASSERT_TRUE(lane->sync());
  const std::size_t before = lane->writer().segment_count();
  ASSERT_GT(before, 2U);
  lane->deliver_receipt({model::Lane::kAudit,
                         lane->writer().epoch(),
                         {{Sequence{1}, Sequence{60}}},
                         model::Receipt::ChainHead{Sequence{61}, lane->writer().head()}});
  pass(AuditLane::kStoreReceiptsSoon - 1);
  EXPECT_EQ(lane->writer().segment_count(), before);
  pass(1);
  EXPECT_EQ(lane->writer().segment_count(), 1U);
}

TEST_F(AuditLaneTest, AsksForTheChainAgainWhenTheMixerMissesABlockForThirtySeconds) {
  start();
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(append(700));
  ASSERT_TRUE(lane->sync());
  const Epoch epoch = lane->writer().epoch();
  lane->deliver_receipt({model::Lane::kAudit,
                         epoch,
                         {{Sequence{1}, Sequence{40}}},
                         model::Receipt::ChainHead{Sequence{2}, {}}});
  pass(2 * kNanosPerSecond);
  EXPECT_EQ(behind, 0);
  ASSERT_TRUE(lane->due());
  pass(31 * kNanosPerSecond);
  EXPECT_EQ(behind, 1);
  pass(31 * kNanosPerSecond);
  EXPECT_EQ(behind, 1) << "less and less often";
  backlog = true;
  for (int i = 2; i <= 4; ++i) {
    pass(61 * kNanosPerSecond);
    EXPECT_EQ(behind, i) << "what is on its way makes it no less often";
  }
  lane->deliver_receipt({model::Lane::kAudit,
                         epoch,
                         {{Sequence{1}, Sequence{40}}},
                         model::Receipt::ChainHead{Sequence{41}, lane->writer().head()}});
  pass(2 * kNanosPerSecond);
  pass(1000 * kNanosPerSecond);
  EXPECT_EQ(behind, 4);
}

}  // namespace
}  // namespace fluxrig::rack
