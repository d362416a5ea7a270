// What the store keeps of the audit chains: the blocks as they came, and what was made of them.
#include <filesystem>

#include "sink/store_fixture.hpp"

namespace fluxrig::sink {
namespace {

class AuditStoreTest : public StoreTest {
 protected:
  static model::Hash hash_of(std::uint8_t value) {
    model::Hash hash{};
    hash.fill(value);
    return hash;
  }
  // A block whose bytes are not looked at by the store.
  IncomingBlock kept(std::uint64_t first, std::size_t count, std::uint8_t hash) {
    auto incoming = transactions(first, count);
    incoming.head.time = clock_.now();
    incoming.head.previous = hash_of(static_cast<std::uint8_t>(hash - 1));
    if (count == 0) incoming.head.kind = model::BlockKind::kCheckpoint;
    incoming.hash = hash_of(hash);
    incoming.bytes = {0xd0, hash, 0x00, 0xff};
    return incoming;
  }
  [[nodiscard]] StreamKey stream() const { return {machine_, model::Lane::kAudit, {1}}; }
  AuditChanges changes() {
    AuditChanges all;
    auto& chain = all.epochs[stream()];
    chain.rack = "edge";
    ChainPiece piece;
    piece.first = {1};
    piece.next = {11};
    piece.head = hash_of(5);
    piece.arrived = clock_.now();
    piece.checkpoints = 2;
    piece.last_statement = hash_of(9);
    piece.signed_to = {8};
    piece.signed_at = clock_.now();
    piece.drops = R"({"queue full":3})";
    chain.pieces = {piece};
    piece.before = hash_of(7);
    piece.first = {20};
    piece.next = {30};
    piece.given_up = true;
    chain.pieces.push_back(piece);
    chain.end = EpochChain::End{{40}, hash_of(8), clock_.now(), true};
    chain.declared = {{{3}, {4}}, {{6}, {6}}};
    all.keys[{machine_, Epoch{}}] = {hash_of(3), clock_.now()};
    AuditAlarm alarm;
    alarm.id = 1;
    alarm.stream = stream();
    alarm.rack = "edge";
    alarm.first = {11};
    alarm.last = {19};
    alarm.what = "it's missing";
    alarm.raised = alarm.latest = clock_.now();
    all.alarms = {alarm};
    return all;
  }
  CommitSummary commit(const IncomingBlock& incoming, const AuditChanges& found = {}) {
    const auto summary = sink().commit_audited({&incoming, 1}, found);
    EXPECT_TRUE(summary) << to_string(summary.error());
    return summary.value_or(CommitSummary{});
  }
  void expect_state(const AuditChanges& expected) {
    const auto& state = sink().audit();
    ASSERT_EQ(state.epochs.size(), 1U);
    EXPECT_EQ(state.epochs.begin()->second, expected.epochs.begin()->second);
    EXPECT_EQ(state.keys, expected.keys);
    ASSERT_EQ(state.open.size(), 1U);
    EXPECT_EQ(state.open.begin()->second, expected.alarms[0]);
    EXPECT_EQ(state.next_alarm, 2U);
  }
};

TEST_F(AuditStoreTest, KeepsBlocksAsTheyCameBesideTheirRows) {
  open();
  EXPECT_EQ(commit(kept(1, 3, 5)).rows, 3U);
  EXPECT_EQ(commit(kept(4, 0, 6)).rows, 0U);
  const auto blocks = select(
      "SELECT machine_id, rack, epoch, first_seq, count, kind, time, hash, previous, bytes FROM audit_blocks "
      "ORDER BY first_seq");
  ASSERT_EQ(blocks.rows.size(), 2U);
  EXPECT_EQ(blocks.rows[0][0], to_string(machine_));
  EXPECT_EQ(blocks.rows[0][5], "records");
  EXPECT_EQ(blocks.rows[0][6], to_rfc3339(clock_.now()));
  EXPECT_EQ(blocks.rows[0][9], "d00500ff");
  EXPECT_EQ(blocks.rows[1][3], "4");
  EXPECT_EQ(blocks.rows[1][5], "checkpoint");
  EXPECT_EQ(blocks.rows[1][7], to_hex(hash_of(6)));
  EXPECT_EQ(blocks.rows[1][8], to_hex(hash_of(5)));
}

TEST_F(AuditStoreTest, KeepsTheStateOfTheChainsWhenOpenedAgain) {
  open();
  auto found = changes();
  commit(kept(1, 3, 5), found);
  expect_state(found);
  open();
  expect_state(found);
  // One piece that grows, an alarm that ends.
  auto& chain = found.epochs[stream()];
  chain.pieces.resize(1);
  commit(kept(4, 1, 6), found);
  chain.pieces[0].next = {12};
  chain.pieces[0].drops.clear();
  found.alarms[0].resolved = clock_.now();
  commit(kept(5, 1, 7), found);
  EXPECT_TRUE(sink().audit().open.empty());
  open();
  EXPECT_EQ(sink().audit().epochs.at(stream()), chain);
  EXPECT_TRUE(sink().audit().open.empty());
  EXPECT_EQ(sink().audit().next_alarm, 2U);
  EXPECT_EQ(cell("SELECT count(*) FROM audit_alarms WHERE resolved_at IS NOT NULL"), "1");
}

TEST_F(AuditStoreTest, AFailedCommitLeavesBlocksAndStateAsTheyWere) {
  std::string failing;
  options_.fail_point = [&](std::string_view step) { return step == failing; };
  open();
  const auto found = changes();
  for (const char* step : {"commit.rows", "commit.ledger", "commit.audit"}) {
    failing = step;
    const auto incoming = kept(1, 3, 5);
    EXPECT_FALSE(sink().commit_audited({&incoming, 1}, found)) << step;
    EXPECT_TRUE(sink().audit().epochs.empty());
    EXPECT_EQ(cell("SELECT count(*) FROM audit_blocks"), "0");
    EXPECT_EQ(cell("SELECT count(*) FROM audit_heads"), "0");
  }
  failing.clear();
  commit(kept(1, 3, 5), found);
  expect_state(found);
}

TEST_F(AuditStoreTest, KnowsBlocksByHashAndByPredecessor) {
  open();
  commit(kept(1, 3, 5));
  commit(kept(4, 3, 6));
  const std::vector<model::Hash> wanted = {hash_of(6), hash_of(4), hash_of(77)};
  auto known = sink().known_blocks({stream(), {0}, {100}, wanted});
  ASSERT_TRUE(known);
  EXPECT_EQ(known->size(), 2U);
  known = sink().known_blocks({stream(), {5}, {100}, wanted});
  ASSERT_TRUE(known);
  EXPECT_TRUE(known->empty());
  known = sink().known_blocks({{machine_, model::Lane::kAudit, {2}}, {0}, {100}, wanted});
  ASSERT_TRUE(known);
  EXPECT_TRUE(known->empty());
}

TEST_F(AuditStoreTest, BlocksMoveToParquetWithTheirHourAndRetireWithTheirDay) {
  open();
  commit(kept(1, 3, 5));
  commit(kept(4, 0, 6));
  clock_.advance(4 * kHour);
  commit(kept(4, 2, 7));
  maintain_fully();
  EXPECT_EQ(cell("SELECT count(*) FROM hot_audit_blocks"), "1");
  EXPECT_EQ(cell("SELECT count(*) FROM audit_blocks"), "3");
  EXPECT_EQ(cell("SELECT sum(row_count) FROM parquet_files WHERE signal = 'audit_blocks'"), "2");
  EXPECT_EQ(cell("SELECT bytes FROM audit_blocks WHERE kind = 'checkpoint'"), "d00600ff");
  const std::vector<model::Hash> cold = {hash_of(5)};
  const auto known = sink().known_blocks({stream(), {0}, {100}, cold});
  ASSERT_TRUE(known);
  EXPECT_EQ(known->size(), 2U);
  EXPECT_EQ(cell("SELECT count(*) FROM audit_retired"), "0");
  clock_.advance(32 * 24 * kHour);
  maintain_fully();
  EXPECT_EQ(cell("SELECT count(*) FROM audit_blocks"), "0");
  EXPECT_EQ(cell("SELECT next_seq FROM audit_retired"), "6");
}

TEST_F(AuditStoreTest, ANewDatabaseTakesOverParquetBlocks) {
  open();
  commit(kept(1, 3, 5));
  clock_.advance(4 * kHour);
  maintain_fully();
  store_.reset();
  std::filesystem::remove(options_.directory / "store.duckdb");
  open();
  EXPECT_EQ(cell("SELECT count(*) FROM audit_blocks"), "1");
  EXPECT_EQ(cell("SELECT count(*) FROM transactions"), "3");
}

}  // namespace
}  // namespace fluxrig::sink
