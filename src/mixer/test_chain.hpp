// For the mixer's tests: a rack that makes a signed audit chain, block by block, and can be made to lie.
#pragma once

#include <optional>
#include <string>

#include "cbor/decoder.hpp"
#include "mixer/test_peers.hpp"
#include "model/record_codec.hpp"
#include "sink/sink.hpp"
#include "wal/checkpoint.hpp"
#include "wal/control_body.hpp"

namespace fluxrig::mixer::testing {

struct ChainRack {
  MachineId machine;
  std::uint8_t seed = 1;  // of its signing key
  Epoch epoch{1};
  Sequence next{1};
  model::Hash head{};
  model::Hash statement{};
  std::optional<wal::EpochLink> link;
  UnixNanos time = SystemClock{}.now();

  explicit ChainRack(const MachineId& id) : machine(id) {}
  [[nodiscard]] wal::SigningKey key() const { return wal::SigningKey::from_seed({seed}); }

  Bytes block(model::BlockKind kind, std::uint32_t count, ByteView records, ByteView body) {
    model::BlockHead made;
    made.kind = kind;
    made.machine_id = machine;
    made.epoch = epoch;
    made.first = next;
    made.count = count;
    made.previous = head;
    made.time = time;
    time.value += kNanosPerMilli;
    Bytes bytes;
    model::encode_block(made, records, body, bytes);
    head = model::hash_block(bytes);
    next.value += count;
    return bytes;
  }
  Bytes header() {
    Bytes body;
    wal::encode_header_body({"edge", "0.1.0", link, key().public_key()}, body);
    return block(model::BlockKind::kHeader, 0, {}, body);
  }
  Bytes records(std::uint32_t count) {
    Bytes items;
    for (std::uint32_t i = 0; i < count; ++i)
      model::encode(model::Record(transaction(epoch.value * 100'000ULL + next.value + i, time)), items);
    return block(model::BlockKind::kRecords, count, items, {});
  }
  Bytes checkpoint() {
    wal::CheckpointStatement made;
    made.machine_id = machine;
    made.epoch = epoch;
    made.sequence = next;
    made.head = head;
    made.time = time;
    made.previous = statement;
    made.drops = {{"queue_full", 3}};
    made.rule_set = "builtin-1";
    made.token_key = "k1";
    made.key_id = key().id();
    Bytes body;
    statement = wal::encode_checkpoint_body(made, key(), body);
    return block(model::BlockKind::kCheckpoint, 0, {}, body);
  }
  Bytes loss(const wal::LossBody& lost) {
    Bytes body;
    wal::encode_loss_body(lost, body);
    return block(model::BlockKind::kLoss, 0, {}, body);
  }
  // The next start; the next block is its header.
  void start_again() {
    link = wal::EpochLink{epoch, next, head};
    ++epoch.value;
    next = {1};
    head = {};
    statement = {};
  }
};

// As ingest would make it of the block's bytes.
[[nodiscard]] inline sink::IncomingBlock incoming(const Bytes& bytes, UnixNanos received) {
  sink::IncomingBlock block;
  const auto view = model::decode_block(bytes);
  if (!view) std::abort();
  block.head = view->head;
  block.rack = "edge";
  block.received = received;
  block.bytes = bytes;
  block.hash = model::hash_block(bytes);
  cbor::Decoder decoder(view->records);
  for (std::uint32_t i = 0; i < view->head.count; ++i) {
    auto record = model::decode(decoder.skip().value());
    if (!record) std::abort();
    block.records.push_back(std::move(*record));
  }
  return block;
}

}  // namespace fluxrig::mixer::testing
