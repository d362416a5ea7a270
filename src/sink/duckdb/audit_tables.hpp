// The stored form of the audit chains' state: audit_heads (a row for each piece of an epoch's chain),
// audit_epochs, audit_alarms, audit_keys, operator_actions. One thread, within the caller's transaction.
#pragma once

#include "sink/duckdb/database.hpp"
#include "sink/sink.hpp"

namespace fluxrig::sink {

// Everything but alarms that ended by themselves, and what operators did.
[[nodiscard]] Attempt<AuditState> load_audit(Connection& connection);

// Writes what changes; `before` is the state as last committed.
[[nodiscard]] Attempt<void> store_audit(Connection& connection, const AuditState& before,
                                        const AuditChanges& changes);

[[nodiscard]] Attempt<std::vector<KnownBlock>> find_blocks(Connection& connection,
                                                           const Sink::KnownQuestion& question);

}  // namespace fluxrig::sink
