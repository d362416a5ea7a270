// The bodies of the blocks that the WAL itself writes: CBOR maps with integer keys, docs/formats/wal.md. Any
// thread; values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "cbor/decoder.hpp"
#include "model/block.hpp"
#include "wal/signing_key.hpp"

namespace fluxrig::wal {

// Where the epoch before ended: ties the chains of two starts together.
struct EpochLink {
  Epoch epoch;
  Sequence end;  // one more than the last record's
  model::Hash head{};
  friend bool operator==(const EpochLink&, const EpochLink&) = default;
};
void encode_epoch_link(const EpochLink& link, Bytes& out);
[[nodiscard]] Result<EpochLink> decode_epoch_link(cbor::Decoder& decoder);

// kind header: {0: rack, 1: software, 2: [epoch, end, head], 3: public key}; 2 only in the first segment of
// an epoch, 3 in lanes whose chain is signed.
struct HeaderBody {
  std::string rack;
  std::string software;
  std::optional<EpochLink> link;
  std::optional<PublicKey> public_key = std::nullopt;
};
void encode_header_body(const HeaderBody& body, Bytes& out);
[[nodiscard]] Result<HeaderBody> decode_header_body(ByteView body);

// kind recovery: {0: bytes cut, 1: offset of the cut}.
struct RecoveryBody {
  std::uint64_t cut_bytes = 0;
  std::uint64_t offset = 0;
};
void encode_recovery_body(const RecoveryBody& body, Bytes& out);
[[nodiscard]] Result<RecoveryBody> decode_recovery_body(ByteView body);

// kind loss: records that should exist and do not, docs/formats/audit.md.
struct LossBody {
  std::string cause;                   // "disk_full", "io_error", "damage", "unknown_after_crash"
  std::optional<std::uint64_t> count;  // nullopt: cannot be known
  UnixNanos from;
  std::optional<UnixNanos> to;  // nullopt: it goes on; a later loss with the same `from` ends it
  struct Range {
    Epoch epoch;
    Sequence first;
    Sequence last;
    friend bool operator==(const Range&, const Range&) = default;
  };
  // Sequences that had been given; last = first - 1: only blocks without records that stood before `first`.
  std::optional<Range> range;
  friend bool operator==(const LossBody&, const LossBody&) = default;
};
void encode_loss_body(const LossBody& body, Bytes& out);
[[nodiscard]] Result<LossBody> decode_loss_body(ByteView body);

// kind seal: {0: blocks before it in the segment, 1: records in the segment}.
struct SealBody {
  std::uint64_t blocks = 0;
  std::uint64_t records = 0;
};
void encode_seal_body(const SealBody& body, Bytes& out);
[[nodiscard]] Result<SealBody> decode_seal_body(ByteView body);

}  // namespace fluxrig::wal
