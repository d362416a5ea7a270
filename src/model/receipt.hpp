// What the mixer tells a rack after a commit: the sequences of one stream that its store now holds. Only what
// a receipt names may leave the rack's disk. docs/formats/receipt.md. Published on flux.receipt.<machine_id>,
// at most once: a lost receipt is repeated by a later one and by the answer to a hello. Any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "model/block.hpp"

namespace fluxrig::model {

inline constexpr std::uint8_t kReceiptVersion = 1;
inline constexpr std::size_t kMaxReceiptRanges = 64;

struct Receipt {
  Lane lane = Lane::kAudit;
  Epoch epoch;
  // Inclusive, ascending, disjoint, each first >= 1; at most kMaxReceiptRanges.
  std::vector<std::pair<Sequence, Sequence>> ranges;
  // How far the mixer holds the epoch's chain without a hole, blocks without records included: the next
  // sequence and the hash of the last such block. A segment may go only when this is past its seal, or is it.
  struct ChainHead {
    Sequence next;
    Hash hash{};
    friend bool operator==(const ChainHead&, const ChainHead&) = default;
  };
  std::optional<ChainHead> chain = std::nullopt;  // nullopt: not said
  friend bool operator==(const Receipt&, const Receipt&) = default;
};

void encode(const Receipt& receipt, Bytes& out);  // appends one CBOR map
// Hostile bytes. kUnsupported for another version, kOversize for too many ranges, kInvalid for ranges that
// are not ascending and disjoint, or anything else that is no receipt.
[[nodiscard]] Result<Receipt> decode_receipt(ByteView bytes);

}  // namespace fluxrig::model
