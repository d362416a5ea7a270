// GET /api/v1/audit/{status,alarms,heads,blocks,files,ledger}: how the racks' audit chains stand, their
// blocks for those who verify them, and the ledger of their telemetry. Any thread; as long as QueryLimits
// allow.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "mixer/api/api.hpp"

namespace fluxrig::mixer {

// What the store says of one machine's chain, its newest epoch first of all.
struct AuditStanding {
  std::uint64_t epoch = 0;
  std::uint64_t epochs = 0;
  std::uint64_t stored_to = 0;    // the last record, with or without holes before it
  std::uint64_t verified_to = 0;  // the last one up to which nothing is missing
  std::uint64_t signed_to = 0;    // the last one under a checkpoint
  std::uint64_t checkpoints = 0;
  std::optional<std::int64_t> checkpoint_time;  // unix ns
  std::int64_t arrived = 0;                     // of the epoch's first block
  std::string drops;                            // JSON object; empty: none
  std::uint64_t missing = 0;                    // pieces that may yet come
  std::uint64_t open_alarms = 0;
  std::string public_key;
};
[[nodiscard]] Outcome<std::map<std::string, AuditStanding>> audit_standings(sink::Queries& queries);
// "ok", "late" or "alarm".
[[nodiscard]] std::string_view audit_state(const AuditStanding& standing, const sink::RackPresence* live,
                                           UnixNanos now);

// `path` is what follows /api/v1/audit/.
[[nodiscard]] ApiResponse audit_response(const ApiParts& parts, std::string_view path,
                                         const ApiRequest& request);

// api_audit_trace.cpp: adds the columns chain_verified and checkpoint (its sequence; NULL: not signed yet).
struct RecordColumns {
  std::size_t machine_id = 0;
  std::size_t epoch = 0;
  std::size_t sequence = 0;
  std::size_t answered_at = 0;
};
void add_chain_standing(sink::Queries& queries, sink::QueryTable& records, const RecordColumns& columns);

// api_audit_blocks.cpp
[[nodiscard]] ApiResponse audit_heads(const ApiParts& parts, const ApiRequest& request);
[[nodiscard]] ApiResponse audit_blocks(const ApiParts& parts, const ApiRequest& request);
// api_audit_decisions.cpp: POST /api/v1/audit/alarms/ID/close and .../accept-key.
[[nodiscard]] bool is_alarm_decision(std::string_view path);
[[nodiscard]] ApiResponse alarm_decision(const ApiParts& parts, const ApiRequest& request);
// api_token_uses.cpp: POST /api/v1/audit/token-uses
inline constexpr std::string_view kTokenUsesPath = "/api/v1/audit/token-uses";
[[nodiscard]] ApiResponse token_use(const ApiParts& parts, const ApiRequest& request);
// api_audit_files.cpp
[[nodiscard]] ApiResponse audit_files(const ApiParts& parts, const ApiRequest& request);
// api_audit_ledger.cpp
[[nodiscard]] ApiResponse audit_ledger(const ApiParts& parts, const ApiRequest& request);
// {"state":"ok",...}: the files of the store, as housekeeping last found them.
[[nodiscard]] Outcome<ReplyText> audit_store_status(sink::Queries& queries);

}  // namespace fluxrig::mixer
