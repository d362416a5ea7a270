// The ledger's stored form: one row a range. One thread, within the caller's transaction.
#pragma once

#include "sink/duckdb/database.hpp"
#include "sink/sink.hpp"

namespace fluxrig::sink {

[[nodiscard]] Attempt<Ledger> load_ledger(Connection& connection);

// Brings the rows of `key` from `before` to `after`; touches only the ranges that differ.
[[nodiscard]] Attempt<void> store_ranges(Connection& connection, const StreamKey& key,
                                         const SequenceRanges& before, const SequenceRanges& after);

}  // namespace fluxrig::sink
