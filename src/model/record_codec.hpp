// Records to and from their CBOR form, docs/formats/records.md: a map with integer keys, key 0 the kind. The
// decoder takes hostile bytes, accepts every version ever released and ignores keys it does not know.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/records.hpp"

namespace fluxrig::model {

inline constexpr std::size_t kMaxRecordBytes = 256U << 10;

// Appends one CBOR item. Attributes and redactions over their limit are cut and counted in the record. It
// does not cut texts: the caller keeps the whole under kMaxRecordBytes, or decode refuses it.
void encode(const Record& record, Bytes& out);
// kUnsupported: a kind of a later version; kOversize: over a limit; kInvalid, kTruncated: broken.
[[nodiscard]] Result<Record> decode(ByteView item);

}  // namespace fluxrig::model
