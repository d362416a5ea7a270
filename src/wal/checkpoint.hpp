// The body of a checkpoint block: what the rack states of its audit chain, and its signature.
// docs/formats/audit.md. Any thread; values only.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "model/block.hpp"
#include "wal/signing_key.hpp"

namespace fluxrig::wal {

struct CheckpointStatement {
  MachineId machine_id;
  model::Lane lane = model::Lane::kAudit;
  Epoch epoch;
  Sequence sequence;  // the next to come
  model::Hash head{};
  UnixNanos time;
  model::Hash previous{};                      // of the statement before; zeros for the first of its epoch
  std::map<std::string, std::uint64_t> drops;  // by cause, since the epoch began
  std::string rule_set;
  std::string token_key;
  KeyId key_id{};
  friend bool operator==(const CheckpointStatement&, const CheckpointStatement&) = default;
};

inline constexpr std::size_t kMaxStatementBytes = 4096;
inline constexpr std::size_t kMaxDropCauses = 64;

// Appends the body; returns the statement's hash, which the next one names as `previous`.
model::Hash encode_checkpoint_body(const CheckpointStatement& statement, const SigningKey& key, Bytes& out);

struct Checkpoint {
  CheckpointStatement statement;
  model::Hash hash{};  // of the statement's bytes
  Bytes statement_bytes;
  Signature signature{};
};
// Hostile bytes. Structure only: see `signed_by` and `matches`.
[[nodiscard]] Result<Checkpoint> decode_checkpoint_body(ByteView body);
[[nodiscard]] bool signed_by(const Checkpoint& checkpoint, const PublicKey& key);
// Machine, lane, epoch, sequence and head are those of the block that holds it.
[[nodiscard]] bool matches(const CheckpointStatement& statement, const model::BlockHead& head);

}  // namespace fluxrig::wal
