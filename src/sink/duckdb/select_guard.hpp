// Which SQL may run for a client. One thread.
#pragma once

#include <string>

#include "sink/duckdb/database.hpp"

namespace fluxrig::sink {

// A prepared statement when `sql` is exactly one query that only reads tables and views; otherwise the
// sentence that says why not.
[[nodiscard]] Outcome<Statement> prepare_select(Connection& connection, const std::string& sql);

}  // namespace fluxrig::sink
