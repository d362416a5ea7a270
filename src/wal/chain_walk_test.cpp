// The audit chain in a directory and in a bundle: damage on the disk, released segments, cut files.
#include "wal/bundle.hpp"
#include "wal/test_chain.hpp"

namespace fluxrig::wal {
namespace {

VerifiedDirectory verified(SignedLane& lane) {
  const auto result = verify_chain(lane.disk, lane.directory, {});
  EXPECT_TRUE(result);
  return result.value_or(VerifiedDirectory{});
}

// Two closed segments and more.
void fill(SignedLane& lane) {
  lane.start();
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(lane.append(1, 600));
    if (i % 10 == 9) lane.checkpoint();
  }
  lane.end();
  ASSERT_GE(list_segments(lane.disk, lane.directory)->size(), 3U);
}

TEST(ChainWalk, FindsNoFaultInADirectoryThatIsBeingWritten) {
  SignedLane lane;
  lane.start();
  lane.records(5);
  lane.checkpoint();
  lane.records(2);
  const auto result = verified(lane);
  EXPECT_TRUE(result.report.good()) << summary(result.report);
  EXPECT_EQ(result.report.unsigned_records, 2U);
  EXPECT_EQ(result.report.signed_to, Sequence{5});
}

TEST(ChainWalk, ShowsHowFarItIsFromSegmentToSegmentUpToAllOfIt) {
  SignedLane lane;
  fill(lane);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> shown;
  ASSERT_TRUE(verify_chain(lane.disk, lane.directory, {},
                           [&](std::uint64_t done, std::uint64_t all) { shown.emplace_back(done, all); }));
  ASSERT_GE(shown.size(), 3U);
  EXPECT_TRUE(std::is_sorted(shown.begin(), shown.end()));
  EXPECT_LT(shown.front().first, shown.front().second);
  EXPECT_EQ(shown.back().first, shown.back().second);
}

TEST(ChainWalk, NamesTheFileAndTheOffsetOfADamagedFrame) {
  SignedLane lane;
  fill(lane);
  lane.disk.content(lane.oldest())[5000] ^= 1;
  const auto result = verified(lane);
  ASSERT_FALSE(result.report.good());
  const auto& fault = result.report.faults.front();
  EXPECT_EQ(fault.kind, FaultKind::kAlteration);
  EXPECT_NE(fault.what.find("00000000000000000001-1.wal at byte "), std::string::npos) << fault.what;
}

TEST(ChainWalk, NamesAnyDamagedByteBeforeTheEnd) {
  SignedLane lane;
  lane.start();
  lane.records(3);
  lane.end();
  const Bytes good = lane.disk.content(lane.newest());
  // The seal's own frame, the last, cannot be told from a write that a crash has cut.
  const Bytes last = blocks_of(lane.disk, lane.directory).back();
  const auto seal = std::search(good.begin(), good.end(), last.begin(), last.end()) - good.begin() - 8;
  for (std::ptrdiff_t at = 0; at < seal; ++at) {
    const auto i = static_cast<std::size_t>(at);
    lane.disk.content(lane.newest())[i] ^= 0x20;
    EXPECT_FALSE(verified(lane).report.good()) << i;
    lane.disk.content(lane.newest()) = good;
  }
}

TEST(ChainWalk, MissesASegmentThatIsGoneUnlessItHasReceipts) {
  SignedLane lane;
  fill(lane);
  const auto names = *list_segments(lane.disk, lane.directory);
  ASSERT_TRUE(lane.disk.unlink(path_of(lane.directory, names[1])));
  const auto missed = verified(lane).report;
  ASSERT_FALSE(missed.good());
  EXPECT_EQ(missed.faults.front().kind, FaultKind::kGap);
  EXPECT_EQ(missed.faults.front().sequence, names[1].first);

  Receipts receipts;
  ASSERT_TRUE(receipts.add(Epoch{1}, {names[1].first, Sequence{names[2].first.value - 1}}));
  ASSERT_TRUE(receipts.store(lane.disk, lane.directory));
  EXPECT_TRUE(verified(lane).report.good());
}

TEST(ChainWalk, ReadsOnAfterACrashAndCountsTheUnsignedTailOfEachEpoch) {
  SignedLane lane;
  lane.start();
  lane.records(4);
  lane.checkpoint();
  lane.records(2);
  lane.start_again();
  lane.records(1);
  lane.end();
  const auto report = verified(lane).report;
  EXPECT_TRUE(report.good()) << summary(report);
  EXPECT_EQ(report.unsigned_records, 2U);
  EXPECT_EQ(report.epochs, 2U);
}

struct BundleFile {
  MemoryDisk disk;
  std::unique_ptr<File> file;
  Bytes bytes;
  Result<VerifiedBundle> verify(std::vector<PublicKey> keys = {}) {
    (void)disk.make_directory("out");
    file = *disk.open("out/bundle", OpenMode::kCreateEmpty);
    EXPECT_TRUE(file->write_at(0, bytes));
    return verify_bundle(*file, {.keys = std::move(keys)});
  }
};

Bytes bundle_of(const std::vector<Bytes>& blocks) {
  Bytes out;
  BundleWriter writer([&](ByteView bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
    return Result<void>();
  });
  EXPECT_TRUE(writer.begin({5}, {{test_machine(), "edge", {chain_key().public_key()}}}));
  for (const auto& block : blocks) EXPECT_TRUE(writer.add(block));
  EXPECT_TRUE(writer.finish());
  return out;
}

TEST(Bundle, IsVerifiedWithTheKeysThatItNamesAndWithOthers) {
  BundleFile bundle;
  bundle.bytes = bundle_of(two_epochs());
  const auto good = bundle.verify();
  ASSERT_TRUE(good);
  EXPECT_TRUE(is_bundle(*bundle.file));
  ASSERT_EQ(good->machines.size(), 1U);
  EXPECT_TRUE(good->machines[0].report.good());
  EXPECT_EQ(good->machines[0].report.records, 10U);
  const auto strange = bundle.verify({chain_key(9).public_key()});
  ASSERT_TRUE(strange);
  EXPECT_EQ(strange->machines[0].report.faults.front().kind, FaultKind::kKeyChanged);
}

TEST(Bundle, IsRefusedWhenAnyByteWasChangedOrItWasCut) {
  const Bytes good = bundle_of(two_epochs());
  for (std::size_t i = 0; i < good.size(); i += 13) {
    BundleFile altered;
    altered.bytes = good;
    altered.bytes[i] ^= 4;
    const auto result = altered.verify();
    EXPECT_FALSE(result && result->machines.size() == 1 && result->machines[0].report.good()) << i;
    BundleFile cut;
    cut.bytes.assign(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(cut.verify()) << i;
  }
}

TEST(Bundle, WithARecordLeftOutAndTheEndWrittenAnewIsAGap) {
  auto blocks = two_epochs();
  blocks.erase(blocks.begin() + 5);
  BundleFile bundle;
  bundle.bytes = bundle_of(blocks);
  const auto result = bundle.verify();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->machines[0].report.faults.front().kind, FaultKind::kGap);
}

}  // namespace
}  // namespace fluxrig::wal
