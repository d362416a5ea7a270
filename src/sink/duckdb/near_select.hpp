// A statement of the mixer's own over the files where an id, or an hour, can be: in place of the views it
// gets common table expressions of the same names and columns over the hot rows and those files only. What is
// hot, which files there are and what they hold is of one moment. One thread.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "sink/duckdb/database.hpp"
#include "sink/sink.hpp"

namespace fluxrig::sink {

struct NearSelect {
  const Nearby& nearby;
  std::string_view sql;  // begins with SELECT; trusted
  std::span<const std::string> parameters;
  const QueryLimits& limits;
};

// `parquet`: where the files that parquet_files names are.
[[nodiscard]] Outcome<QueryTable> run_near(Connection& connection, const std::filesystem::path& parquet,
                                           const NearSelect& select);

// Binds, executes and reads what was prepared.
[[nodiscard]] Outcome<QueryTable> run_prepared(Statement& statement, std::span<const std::string> parameters,
                                               const QueryLimits& limits);

}  // namespace fluxrig::sink
