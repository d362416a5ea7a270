// What waits in a rack's spool and in telemetry's backlog, as JSON for `fluxrig wal cat`: what it is and how
// much, never the payload, which is the business's own. Any thread.
#pragma once

#include "fluxrig/record_json.hpp"
#include "lane/backlog_entry.hpp"
#include "snake/bus.hpp"

namespace fluxrig::client {

// A message of lane P0: subject, message id, flux_id, size of the payload. Harmless on a terminal; no
// newline.
[[nodiscard]] std::string message_as_json(const RecordPlace& place, const snake::Outgoing& message);
// A batch of lane P2: the sequences that it had in its epoch, and how many records of each signal.
[[nodiscard]] std::string batch_as_json(const RecordPlace& place, const lane::BacklogEntry& entry);

}  // namespace fluxrig::client
