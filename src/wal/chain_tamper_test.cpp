// What is done to a chain behind the rack's back is named: which record, and what is wrong.
#include "wal/test_chain.hpp"

namespace fluxrig::wal {
namespace {

struct First {
  FaultKind kind;
  std::uint32_t epoch;
  std::uint64_t sequence;
  friend bool operator==(const First&, const First&) = default;
};

std::ostream& operator<<(std::ostream& out, const First& first) {
  return out << to_string(first.kind) << " at epoch " << first.epoch << ", sequence " << first.sequence;
}

First first_of(const ChainReport& report) {
  EXPECT_FALSE(report.good());
  if (report.faults.empty()) return {FaultKind::kGap, 0, 0};
  const auto& fault = report.faults.front();
  return {fault.kind, fault.epoch.value, fault.sequence.value};
}

// Of two_epochs(), each epoch: 0 header, 1 2 records, 3 checkpoint, 4 5 records, 6 checkpoint, 7 record,
// 8 checkpoint, 9 seal; the second one's begin at 10.
TEST(ChainVerifier, FindsNoFaultInTwoEpochsAndSaysHowFarTheyAreSigned) {
  const auto report = verify_blocks(two_epochs());
  EXPECT_TRUE(report.good());
  EXPECT_EQ(summary(report),
            "10 records, 2 epochs, no gap, no fork, no alteration, signed to sequence 5, unsigned tail 0");
  EXPECT_EQ(report.blocks, 20U);
  EXPECT_EQ(report.checkpoints, 6U);
}

TEST(ChainVerifier, NamesAnyFlippedBitOfASignedBlock) {
  const auto good = two_epochs();
  // Behind the last checkpoint nothing is signed: the seal is left out.
  for (std::size_t i = 0; i + 1 < good.size(); ++i) {
    for (std::size_t byte = i % 5; byte < good[i].size(); byte += 5) {
      auto blocks = good;
      blocks[i][byte] ^= 0x10;
      EXPECT_FALSE(verify_blocks(blocks).good()) << "block " << i << ", byte " << byte;
    }
  }
}

TEST(ChainVerifier, NamesAnAlteredRecordByItsSequence) {
  auto blocks = two_epochs();
  blocks[4].back() ^= 1;  // the text of record 3
  EXPECT_EQ(first_of(verify_blocks(blocks)), (First{FaultKind::kAlteration, 1, 3}));
}

TEST(ChainVerifier, NamesADroppedBlock) {
  const auto good = two_epochs();
  for (std::size_t i = 1; i + 1 < good.size(); ++i) {
    auto blocks = good;
    blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(verify_blocks(blocks).good()) << i;
  }
  auto blocks = good;
  blocks.erase(blocks.begin() + 4);
  EXPECT_EQ(first_of(verify_blocks(blocks)), (First{FaultKind::kGap, 1, 3}));
}

TEST(ChainVerifier, NamesBlocksInAnotherOrderAndBlocksThatStandTwice) {
  const auto good = two_epochs();
  for (std::size_t i = 0; i + 1 < good.size(); ++i) {
    auto swapped = good;
    std::swap(swapped[i], swapped[i + 1]);
    EXPECT_FALSE(verify_blocks(swapped).good()) << i;
    auto doubled = good;
    doubled.insert(doubled.begin() + static_cast<std::ptrdiff_t>(i), good[i]);
    EXPECT_FALSE(verify_blocks(doubled).good()) << i;
  }
  auto doubled = good;
  doubled.insert(doubled.begin() + 4, good[4]);
  EXPECT_EQ(first_of(verify_blocks(doubled)), (First{FaultKind::kAlteration, 1, 3}));
}

TEST(ChainVerifier, NamesATruncatedEpochByTheLinkOfTheNextOne) {
  for (std::size_t kept = 1; kept < 10; ++kept) {
    auto blocks = two_epochs();
    blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(kept), blocks.begin() + 10);
    EXPECT_FALSE(verify_blocks(blocks).good()) << kept;
  }
  auto blocks = two_epochs();
  blocks.erase(blocks.begin() + 4, blocks.begin() + 10);
  EXPECT_EQ(first_of(verify_blocks(blocks)), (First{FaultKind::kGap, 1, 3}));
}

TEST(ChainVerifier, NamesTheBlocksOfAnotherEpochInThePlaceOfTheirOwn) {
  auto blocks = two_epochs();
  std::copy(blocks.begin() + 4, blocks.begin() + 6, blocks.begin() + 14);
  EXPECT_FALSE(verify_blocks(blocks).good());
  auto missing = two_epochs();
  missing.erase(missing.begin() + 10, missing.begin() + 13);
  EXPECT_EQ(first_of(verify_blocks(missing)), (First{FaultKind::kGap, 2, 1}));
}

TEST(ChainVerifier, NamesARepeatedStartOfTheRackAsRollback) {
  SignedLane lane;
  lane.start();
  lane.records(3);
  lane.end();
  const Bytes backup = lane.disk.content(lane.newest());
  lane.start();
  lane.records(2);
  lane.end();
  const auto known = blocks_of(lane.disk, lane.directory);

  // The backup is put back: the epoch that it knows nothing of goes, and the next start links to the first.
  SignedLane restored;
  restored.options.epoch_floor = 7;
  ASSERT_TRUE(restored.disk.make_directory(restored.directory));
  auto file = restored.disk.open("audit/00000000000000000001-1.wal", OpenMode::kCreateEmpty);
  ASSERT_TRUE((*file)->write_at(0, backup));
  restored.start();
  restored.records(1);
  restored.end();
  auto all = known;
  const auto later = blocks_of(restored.disk, restored.directory);
  std::copy_if(later.begin(), later.end(), std::back_inserter(all),
               [](const Bytes& block) { return model::decode_block(block)->head.epoch.value == 7; });
  EXPECT_EQ(first_of(verify_blocks(all)), (First{FaultKind::kRollback, 7, 1}));
}

TEST(ChainVerifier, NamesAnotherKeyAndItsSignatures) {
  const auto blocks = two_epochs();
  EXPECT_EQ(first_of(verify_blocks(blocks, {chain_key(9).public_key()})),
            (First{FaultKind::kKeyChanged, 1, 1}));
  EXPECT_TRUE(verify_blocks(blocks, {chain_key(9).public_key(), chain_key().public_key()}).good());
}

TEST(ChainVerifier, NamesASecondRackThatWritesWithAnotherKeyInOneDirectory) {
  SignedLane lane;
  lane.start();
  lane.records(1);
  lane.end();
  lane.key = chain_key(9);
  lane.options.public_key = lane.key.public_key();
  lane.start();
  lane.records(1);
  lane.end();
  const auto report = verify_blocks(blocks_of(lane.disk, lane.directory));
  EXPECT_EQ(first_of(report), (First{FaultKind::kKeyChanged, 2, 1}));
  EXPECT_EQ(report.fault_count, 2U);  // the header, and the checkpoint's signature
}

TEST(ChainVerifier, NamesAStatementThatWasReplacedByOneOfThatKey) {
  auto blocks = two_epochs();
  // The last checkpoint, signed again with another history: only its `previous` tells.
  const auto view = model::decode_block(blocks[18]);
  auto statement = decode_checkpoint_body(view->body)->statement;
  statement.previous.fill(9);
  Bytes body;
  const auto key = chain_key();
  (void)encode_checkpoint_body(statement, key, body);
  Bytes block;
  model::encode_block(view->head, {}, body, block);
  blocks[18] = block;
  blocks.pop_back();
  EXPECT_EQ(first_of(verify_blocks(blocks)), (First{FaultKind::kAlteration, 2, 6}));
}

TEST(ChainVerifier, TakesADeclaredHoleForALossOnlyWhenTheDeclarationIsSigned) {
  for (const bool is_signed : {false, true}) {
    SignedLane lane;
    lane.start();
    lane.records(6);
    lane.checkpoint();
    lane.loss({"damage", 2, {1}, UnixNanos{1}, LossBody::Range{Epoch{1}, Sequence{3}, Sequence{4}}});
    if (is_signed) lane.checkpoint();
    auto blocks = blocks_of(lane.disk, lane.directory);
    blocks.erase(blocks.begin() + 3, blocks.begin() + 5);
    const auto report = verify_blocks(blocks);
    EXPECT_EQ(report.good(), is_signed);
    EXPECT_EQ(report.losses.size(), 1U);
  }
}

TEST(ChainVerifier, ListsAnOpeningAndItsClosingDeclarationAsOneLoss) {
  SignedLane lane;
  lane.start();
  lane.records(1);
  lane.loss({"disk_full", std::nullopt, {5}, std::nullopt, std::nullopt});
  lane.loss({"disk_full", 7, {5}, UnixNanos{9}, std::nullopt});
  lane.end();
  const auto report = verify_blocks(blocks_of(lane.disk, lane.directory));
  EXPECT_TRUE(report.good());
  ASSERT_EQ(report.losses.size(), 1U);
  EXPECT_EQ(report.losses[0].body.count, 7U);
  EXPECT_EQ(report.lost_records, 7U);
}

TEST(ChainVerifier, StaysBoundedOverTheBlocksOfNoise) {
  ChainVerifier verifier({});
  const auto good = two_epochs();
  for (int i = 0; i < 5000; ++i) {
    Bytes block = good[static_cast<std::size_t>(i * 7) % good.size()];
    block[static_cast<std::size_t>(i) % block.size()] ^= 0x55;
    verifier.add(block);
  }
  const auto report = verifier.finish();
  EXPECT_FALSE(report.good());
  EXPECT_LE(report.faults.size(), ChainReport::kMaxListed);
}

}  // namespace
}  // namespace fluxrig::wal
