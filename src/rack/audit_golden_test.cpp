// A rack's audit directory with every kind of declared loss, as the audit lane writes it: golden files, which
// both verifiers judge (tests/interop/audit_losses.test.mjs). FLUXRIG_UPDATE_GOLDEN=1 writes them again.
#include <gtest/gtest.h>

#include <cerrno>

#include "base/test_gate.hpp"
#include "cbor/encoder.hpp"
#include "model/golden_records.hpp"
#include "rack/audit_lane.hpp"
#include "wal/chain_walk.hpp"
#include "wal/cursor.hpp"
#include "wal/memory_disk.hpp"

namespace fluxrig::rack {
namespace {

using Operation = wal::MemoryDisk::Operation;
constexpr const char* kDirectory = "audit";
constexpr std::size_t kPadding = 16;  // of the zeros that a segment ends with: enough to end in some

class LossyRack {
 public:
  wal::MemoryDisk disk;

  void start() {
    lane_.reset();
    disk.kill();
    const auto machine = model::golden::machine_id();
    auto key = wal::SigningKey::from_seed({7});
    wal::WriterOptions options;
    options.segment_bytes = wal::WriterOptions::kMinSegmentBytes;
    options.free_reserve_bytes = 0;
    options.rack = "edge";
    options.software = "0.1.0";
    options.public_key = key.public_key();
    auto writer = wal::Writer::open({disk, clock_, kDirectory, machine, model::Lane::kAudit, options});
    ASSERT_TRUE(writer) << writer.error().message;
    auto receipts = wal::Receipts::load(disk, kDirectory).value_or(wal::Receipts{});
    lane_ = std::make_unique<AuditLane>(disk, *std::move(writer), std::move(receipts), clock_, diagnostics_);
    lane_->continue_when_full();
    lane_->sign_with(std::make_unique<wal::ChainSigner>(clock_, std::move(key), machine, [] {
      return wal::ChainSigner::Facts{{}, "builtin-1", "k1"};
    }));
  }
  // Each in a block of its own, and synced; then time for a checkpoint.
  void records(int count) {
    for (int i = 0; i < count; ++i) append();
    pass(2 * kNanosPerSecond);
  }
  // The disk refuses; so many records are let go; it works again.
  void refuse(Operation operation, int number, int lost) {
    disk.fail_next(operation, number);
    records(lost);
  }
  // The same, and it is killed before the disk works again.
  void refuse_until_killed() {
    disk.fail_next(Operation::kWrite, ENOSPC);
    append();
    pass(0);
  }
  void declare_damage(const wal::SegmentName& name) {
    lane_->deliver_damage(to_string(name));
    pass(2 * kNanosPerSecond);
  }
  void close() { lane_->close(); }

 private:
  void append() {
    Bytes record;
    cbor::Encoder(record).text("a record of the golden directory");
    ASSERT_TRUE(lane_->append(record, 1));
    ASSERT_TRUE(lane_->sync());
  }
  void pass(std::int64_t nanos) {
    clock_.advance(nanos);
    for (int i = 0; i < 20 && lane_->housekeep(); ++i) continue;
  }

  ManualClock clock_{model::golden::kStart};
  Diagnostics diagnostics_{clock_, -1, DiagnosticFormat::kText, Severity::kError, pass_unsearched};
  std::unique_ptr<AuditLane> lane_;
};

std::uint64_t offset_of(wal::Disk& disk, Sequence sequence) {
  wal::Cursor cursor(disk, kDirectory, {});
  for (;;) {
    const auto block = cursor.next();
    if (!block || !*block) return 0;
    const auto& head = (*block)->view.head;
    if (head.kind == model::BlockKind::kRecords && head.first == sequence) return (*block)->offset;
  }
}

// Epoch 1: a refused write, and then a refused sync, each with its opening and its closing declaration. Epoch
// 2: record 2 of epoch 1 has rotten, and the disk refuses until the rack is killed: an opening that nothing
// closes. Epoch 3: a clean end.
void live_through_losses(LossyRack& rack) {
  rack.start();
  rack.records(3);
  rack.refuse(Operation::kWrite, ENOSPC, 4);
  rack.records(2);
  rack.refuse(Operation::kSync, EIO, 1);
  rack.records(1);
  rack.close();
  const auto first = wal::list_segments(rack.disk, kDirectory)->front();
  const auto rotten = offset_of(rack.disk, Sequence{2});
  ASSERT_NE(rotten, 0U);
  rack.disk.content(wal::path_of(kDirectory, first))[rotten + 40] ^= 1U;
  rack.start();
  rack.records(2);
  rack.declare_damage(first);
  rack.records(1);
  rack.refuse_until_killed();
  rack.start();
  rack.records(1);
  rack.close();
}

TEST(AuditGolden, ADirectoryWithEveryKindOfDeclaredLossIsWrittenAsBefore) {
  LossyRack rack;
  live_through_losses(rack);
  const auto verified = wal::verify_chain(rack.disk, kDirectory, {});
  ASSERT_TRUE(verified);
  EXPECT_TRUE(verified->report.good()) << wal::summary(verified->report);
  const auto names = wal::list_segments(rack.disk, kDirectory);
  ASSERT_TRUE(names);
  ASSERT_EQ(names->back().epoch, Epoch{3});
  for (const auto& name : *names) {
    Bytes bytes = rack.disk.content(wal::path_of(kDirectory, name));
    while (!bytes.empty() && bytes.back() == 0) bytes.pop_back();
    bytes.resize(bytes.size() + kPadding);
    model::golden::expect_golden("losses/" + to_string(name), bytes);
  }
}

}  // namespace
}  // namespace fluxrig::rack
