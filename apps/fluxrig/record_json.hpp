// A record as one JSON object, for `fluxrig wal cat`. Any thread.
#pragma once

#include <string>

#include "model/block.hpp"
#include "model/records.hpp"

namespace fluxrig::client {

// Where a record stands in its lane.
struct RecordPlace {
  Epoch epoch;
  Sequence sequence;
};

// Ids in hex and as UUIDs, times as RFC 3339; only ASCII control characters escaped, so harmless on a
// terminal. Ends without a newline.
[[nodiscard]] std::string record_as_json(const RecordPlace& place, const model::Record& record);

// A record that could not be decoded: its place, size and the reason.
[[nodiscard]] std::string undecodable_as_json(const RecordPlace& place, std::size_t bytes,
                                              const Error& error);

}  // namespace fluxrig::client
