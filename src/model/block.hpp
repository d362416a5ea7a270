// A block: the unit that is framed in the WAL, hashed into the audit chain and published on the bus, the same
// bytes in all three. docs/formats/block.md. Deterministic CBOR map with integer keys:
//   0 version (1)  1 kind  2 machine_id (16 bytes)  3 lane  4 epoch  5 first sequence  6 count
//   7 previous block's SHA-256 (32 bytes; zeros for the first of an epoch)  8 time (unix ns)
//   9 records (array of record items; kind kRecords)  10 body (map; every other kind)
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"

namespace fluxrig::model {

enum class Lane : std::uint8_t { kSpool = 0, kAudit = 1, kTelemetry = 2 };
[[nodiscard]] constexpr std::string_view to_string(Lane lane) noexcept {
  constexpr std::array<std::string_view, 3> kNames = {"spool", "audit", "telemetry"};
  const auto index = static_cast<std::size_t>(lane);
  return index < kNames.size() ? kNames[index] : "unknown";
}
enum class BlockKind : std::uint8_t {
  kHeader = 0,
  kRecords = 1,
  kCheckpoint = 2,
  kRecovery = 3,
  kLoss = 4,
  kSeal = 5
};
using Hash = std::array<std::uint8_t, 32>;

inline constexpr std::uint8_t kBlockVersion = 1;
inline constexpr std::size_t kMaxBlockBytes = 1U << 20;
// What a block of records is larger than its records, at most.
inline constexpr std::size_t kMaxBlockHeadBytes = 100;

struct BlockHead {
  BlockKind kind = BlockKind::kRecords;
  MachineId machine_id;
  Lane lane = Lane::kAudit;
  Epoch epoch;
  Sequence first;           // of the first record; for kinds without records, of the next one to come
  std::uint32_t count = 0;  // records
  Hash previous{};
  UnixNanos time;
};

// Appends the block. `records` is the concatenation of `head.count` encoded record items; `body` one encoded
// map or empty (kinds other than kRecords).
void encode_block(const BlockHead& head, ByteView records, ByteView body, Bytes& out);

struct BlockView {
  BlockHead head;
  ByteView records;  // concatenated items, views into the input
  ByteView body;
};
// Hostile bytes. Checks structure and that exactly `count` items stand in `records`; not the hash.
[[nodiscard]] Result<BlockView> decode_block(ByteView block);

// SHA-256 over the block's bytes (which hold the previous hash: so a chain).
[[nodiscard]] Hash hash_block(ByteView block);

}  // namespace fluxrig::model
