#include "sink/duckdb/select_guard.hpp"

#include <fmt/format.h>

#include "sink/duckdb/result_table.hpp"

namespace fluxrig::sink {
namespace {

// Of the parsed statement: the kind of failure, and the functions that stand where a table may stand or that
// have effects. A query can do harm only through these: `FROM force_checkpoint()` is a SELECT.
constexpr const char* kInspect =
    "WITH parsed AS (SELECT json_serialize_sql($1::VARCHAR) AS tree) "
    "SELECT CASE WHEN (tree->>'$.error') = 'true' THEN 'not a query' END FROM parsed "
    "UNION ALL "
    "SELECT 'the function ' || name || ' is not available here' FROM ("
    "SELECT lower(value->>'$.function.function_name') AS name FROM parsed, json_tree(parsed.tree) "
    "WHERE type = 'OBJECT' AND (value->>'$.type') = 'TABLE_FUNCTION') "
    "WHERE name IS NULL OR name NOT IN ('range', 'generate_series', 'unnest', 'json_each', 'json_tree') "
    "UNION ALL "
    "SELECT 'the function ' || name || ' is not available here' FROM ("
    "SELECT lower(atom) AS name FROM (SELECT key, value->>'$' AS atom FROM parsed, json_tree(parsed.tree) "
    "WHERE key = 'function_name')) WHERE name IN "
    "('nextval', 'currval', 'setseed', 'write_log', 'current_setting', 'which_secret', 'getvariable')";

Outcome<void> inspect(Connection& connection, const std::string& sql) {
  auto statement = connection.prepare(kInspect);
  if (!statement) return problem(std::move(statement.error().message));
  if (auto bound = statement->bind({sql}); !bound) return problem(std::move(bound.error().message));
  auto result = statement->execute();
  if (!result) return problem(std::move(result.error().message));
  auto reasons = read_table(*result, {});
  if (!reasons) return problem(std::move(reasons.error().message));
  for (const auto& row : reasons->rows)
    if (row[0])
      return problem(fmt::format("only one SELECT that reads tables and views is accepted: {}", *row[0]));
  return {};
}

}  // namespace

Outcome<Statement> prepare_select(Connection& connection, const std::string& sql) {
  duckdb_extracted_statements extracted = nullptr;
  const auto count = duckdb_extract_statements(connection.raw(), sql.c_str(), &extracted);
  struct Owner {
    duckdb_extracted_statements& handle;
    ~Owner() { duckdb_destroy_extracted(&handle); }
  } owner{extracted};
  if (count == 0) {
    const char* message = duckdb_extract_statements_error(extracted);
    return problem(message != nullptr && *message != '\0' ? message
                                                          : "the statement is empty: write one SELECT");
  }
  if (count != 1)
    return problem(fmt::format("{} statements given: only one SELECT is accepted at a time", count));
  if (auto accepted = inspect(connection, sql); !accepted) return tl::unexpected(std::move(accepted.error()));
  duckdb_prepared_statement raw = nullptr;
  const auto state = duckdb_prepare_extracted_statement(connection.raw(), extracted, 0, &raw);
  Statement statement(raw);
  if (state == DuckDBError) {
    const char* message = duckdb_prepare_error(raw);
    return problem(message != nullptr ? message : "the statement cannot be prepared");
  }
  if (statement.type() != DUCKDB_STATEMENT_TYPE_SELECT)
    return problem(
        "only one SELECT that reads tables and views is accepted: this is another kind of statement");
  return statement;
}

}  // namespace fluxrig::sink
