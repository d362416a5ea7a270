// The ledger's stored form: one row a range. One thread, within the caller's transaction.
#pragma once

#include "sink/duckdb/database.hpp"
#include "sink/sink.hpp"

namespace fluxrig::sink {

[[nodiscard]] Attempt<Ledger> load_ledger(Connection& connection);

// The columns that name a stream, as text; nullopt when they do not.
[[nodiscard]] std::optional<StreamKey> stream_key(std::string_view machine_id, std::string_view lane,
                                                  std::string_view epoch);

// Brings the rows of `key` from `before` to `after`; touches only the ranges that differ.
[[nodiscard]] Attempt<void> store_ranges(Connection& connection, const StreamKey& key,
                                         const SequenceRanges& before, const SequenceRanges& after);

}  // namespace fluxrig::sink
