// A message in the spool: everything that is published, as one CBOR item (docs/formats/spool.md). Read from
// our own disk, and bounded all the same. Any thread.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "snake/bus.hpp"

namespace fluxrig::gear::bus {

inline constexpr std::uint64_t kSpoolEntryVersion = 1;
inline constexpr std::size_t kMaxSpooledHeaders = 64;

[[nodiscard]] Bytes encode_spool_entry(const snake::Outgoing& message);
// kUnsupported: another version; kInvalid, kTruncated, kOversize: not an entry.
[[nodiscard]] Result<snake::Outgoing> decode_spool_entry(ByteView item);

}  // namespace fluxrig::gear::bus
