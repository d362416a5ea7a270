// What the tests of the audit chain share: a signed lane on a memory disk, its blocks as a list, and a way to
// tamper with them. Included by tests only.
#pragma once

#include "wal/chain_walk.hpp"
#include "wal/checkpoint.hpp"
#include "wal/test_lane.hpp"

namespace fluxrig::wal {

inline SigningKey chain_key(std::uint8_t seed = 1) { return SigningKey::from_seed({seed}); }

// A lane whose headers name the key, with checkpoints where the test wants them.
struct SignedLane : TestLane {
  SigningKey key = chain_key();
  model::Hash statement{};

  SignedLane() { options.public_key = key.public_key(); }
  void start() {
    open();
    statement = {};
  }
  void start_again() {
    restart();
    statement = {};
  }
  void checkpoint() {
    CheckpointStatement next;
    next.machine_id = test_machine();
    next.epoch = writer->epoch();
    next.sequence = writer->next_sequence();
    next.head = writer->head();
    next.time = clock.now();
    next.previous = statement;
    next.key_id = key.id();
    Bytes body;
    statement = encode_checkpoint_body(next, key, body);
    ASSERT_TRUE(writer->append_control(model::BlockKind::kCheckpoint, body));
    ASSERT_TRUE(writer->sync());
  }
  void loss(const LossBody& loss) {
    Bytes body;
    encode_loss_body(loss, body);
    ASSERT_TRUE(writer->append_control(model::BlockKind::kLoss, body));
  }
  // `count` records in a block of their own each.
  void records(int count) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(append(1));
    ASSERT_TRUE(writer->sync());
  }
  void end() {
    checkpoint();
    ASSERT_TRUE(writer->close());
  }
};

// Every block of the lane, in order.
inline std::vector<Bytes> blocks_of(Disk& disk, const std::string& directory) {
  std::vector<Bytes> blocks;
  ChainWalk walk;
  walk.block = [&](ByteView bytes, const model::BlockView&) {
    blocks.emplace_back(bytes.begin(), bytes.end());
  };
  walk.unreadable = [](Epoch, Sequence, const char*) {};
  walk.released = [] {};
  EXPECT_TRUE(walk_chain(disk, directory, walk));
  return blocks;
}

inline ChainReport verify_blocks(const std::vector<Bytes>& blocks, std::vector<PublicKey> keys = {}) {
  ChainVerifier verifier({.keys = std::move(keys)});
  for (const auto& block : blocks) verifier.add(block);
  return verifier.finish();
}

// Two epochs: 5 records and a checkpoint after each second one, a clean end; then the same again.
inline std::vector<Bytes> two_epochs() {
  SignedLane lane;
  for (int epoch = 0; epoch < 2; ++epoch) {
    lane.start();
    for (int i = 0; i < 2; ++i) {
      lane.records(2);
      lane.checkpoint();
    }
    lane.records(1);
    lane.end();
  }
  return blocks_of(lane.disk, lane.directory);
}

inline model::BlockKind kind_of(const Bytes& block) { return model::decode_block(block)->head.kind; }

}  // namespace fluxrig::wal
