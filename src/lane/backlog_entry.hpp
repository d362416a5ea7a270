// One record of the telemetry backlog: a block of lane telemetry as it is published, and what would otherwise
// have to be counted out of it. docs/formats/telemetry-backlog.md. Any thread.
#pragma once

#include "base/result.hpp"
#include "lane/backlog_marks.hpp"
#include "lane/telemetry_block.hpp"

namespace fluxrig::lane {

struct BacklogEntry {
  TelemetryBlock block;
  Sent sent = Sent::kNever;
};

// Appends one CBOR item.
void encode(const TelemetryBlock& block, Sent sent, Bytes& out);
// Hostile bytes. The block is whole and of lane telemetry, and its signals add up to its count.
[[nodiscard]] Result<BacklogEntry> decode_backlog_entry(ByteView item);

}  // namespace fluxrig::lane
