// A result read into rows of text, within limits. One thread.
#pragma once

#include "sink/duckdb/database.hpp"
#include "sink/sink.hpp"

namespace fluxrig::sink {

// Stops reading at a limit (`truncated`). Fails for a column that has no text form and for whatever happens
// while the rows are produced.
[[nodiscard]] Attempt<QueryTable> read_table(ResultStream& result, const QueryLimits& limits);

// For our own small statements: all rows of `sql`.
[[nodiscard]] Attempt<QueryTable> read_all(Connection& connection, const std::string& sql);

}  // namespace fluxrig::sink
