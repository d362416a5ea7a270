// From a delivered message to a block that the sink can store: every check that outside bytes must pass. No
// state.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "mixer/ingest_counters.hpp"
#include "mixer/rack_index.hpp"
#include "sink/sink.hpp"
#include "snake/bus.hpp"

namespace fluxrig::mixer {

struct Refusal {
  RefusalCause cause = RefusalCause::kMalformedBlock;
  Error error;  // why, never the bytes
};

// flux.audit.<machine_id> and flux.telemetry.<machine_id>: the last token. nullopt when it is no machine_id.
[[nodiscard]] std::optional<MachineId> machine_of_subject(std::string_view subject);

// A message is a CBOR sequence of blocks (RFC 8742), one after the other: their bytes. At most kMaxBlocks;
// what cannot be cut into items is the last element, for take_in to refuse.
inline constexpr std::size_t kMaxBlocks = 4096;
[[nodiscard]] std::vector<ByteView> split_blocks(ByteView message);

// Decodes and checks one block that came on `subject`. A block without records (a checkpoint, say) has none
// in the result.
[[nodiscard]] tl::expected<sink::IncomingBlock, Refusal> take_in(std::string_view subject, ByteView bytes,
                                                                 model::Lane lane, const RackIndex& racks,
                                                                 UnixNanos now);

}  // namespace fluxrig::mixer
