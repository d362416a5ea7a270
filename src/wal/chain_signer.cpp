#include "wal/chain_signer.hpp"

namespace fluxrig::wal {

void ChainSigner::look(const Writer& writer) {
  if (due_) return;
  if (writer.next_sequence() == covered_ && facts_().drops == covered_drops_) return;
  due_ = MonotonicNanos{clock_.monotonic().value + kDelay};
}

Result<bool> ChainSigner::turn(Writer& writer) {
  look(writer);
  if (!due_ || clock_.monotonic() < *due_) return false;
  return write(writer);
}

Result<bool> ChainSigner::finish(Writer& writer) {
  look(writer);
  if (!due_) return false;
  return write(writer);
}

Result<bool> ChainSigner::write(Writer& writer) {
  // Refused now, it is tried again, but not in every turn.
  due_ = MonotonicNanos{clock_.monotonic().value + kRetry};
  Facts facts = facts_();
  CheckpointStatement statement;
  statement.machine_id = machine_id_;
  statement.epoch = writer.epoch();
  statement.sequence = writer.next_sequence();
  statement.time = clock_.now();
  statement.previous = statement_;
  statement.drops = std::move(facts.drops);
  statement.rule_set = std::move(facts.rule_set);
  statement.token_key = std::move(facts.token_key);
  statement.key_id = key_.id();
  Bytes body;
  // Twice: room may have to be made by a new segment, and its header is then the block before.
  (void)encode_checkpoint_body(statement, key_, body);
  if (const auto room = writer.make_control_room(body.size()); !room) return tl::unexpected(room.error());
  statement.head = writer.head();
  body.clear();
  const auto hash = encode_checkpoint_body(statement, key_, body);
  if (const auto appended = writer.append_control(model::BlockKind::kCheckpoint, body); !appended)
    return tl::unexpected(appended.error());
  // It is part of the chain from here on, whatever the sync says: that is repeated by the next one.
  statement_ = hash;
  covered_ = statement.sequence;
  covered_drops_ = std::move(statement.drops);
  due_.reset();
  if (const auto synced = writer.sync(); !synced) return tl::unexpected(synced.error());
  return true;
}

}  // namespace fluxrig::wal
