#include "sink/duckdb/near_select.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sink/duckdb/id_places.hpp"
#include "sink/duckdb/result_table.hpp"
#include "sink/duckdb/utf8_text.hpp"

namespace fluxrig::sink {
namespace {

// More than that and the text of the statement costs what opening the files would.
constexpr std::size_t kMostFiles = 256;

// Of one signal, by the range of seconds to be read ("": all), which files.
using Groups = std::map<std::string, std::vector<FileGroup>>;

std::string in_seconds(const Signal& signal, const std::optional<std::string>& least,
                       const std::optional<std::string>& most) {
  if (!least || !most) return {};
  auto condition = fmt::format("{} >= make_timestamp_ns({}::BIGINT * 1000000000)", signal.time, *least);
  if (*most != std::to_string(UINT32_MAX))  // later ones are noted as that
    condition +=
        fmt::format(" AND {} < make_timestamp_ns(({}::BIGINT + 1) * 1000000000)", signal.time, *most);
  return condition;
}

// Rows: signal, path, and the first and last second to be read of it.
std::string files_of_ids(const PlacedIds& ids) {
  return fmt::format(
      "WITH places AS NOT MATERIALIZED (SELECT hour, min(second) AS least, max(second) AS most FROM {} WHERE "
      "id BETWEEN {} AND {} GROUP BY hour) SELECT f.signal, f.path, p.least, p.most FROM parquet_files AS f "
      "LEFT JOIN places AS p ON p.hour = epoch_us(f.hour_start) // {} AND p.least <= f.most_second AND "
      "p.most "
      ">= f.least_second WHERE f.signal IN ('transactions', 'child_spans', 'log_records') AND (p.hour IS NOT "
      "NULL OR NOT coalesce(f.placed, false)) ORDER BY f.id LIMIT {}",
      ids.table, ids.least, ids.most, kMicrosPerHour, kMostFiles + 1);
}

std::string files_of_hours(const Nearby& nearby) {
  const auto hour = [](UnixNanos time) {
    return std::max<std::int64_t>(time.value, 0) / kNanosPerMicro / kMicrosPerHour;
  };
  return fmt::format(
      "SELECT signal, path, NULL, NULL FROM parquet_files WHERE epoch_us(hour_start) // {} BETWEEN {} AND {} "
      "ORDER BY id LIMIT {}",
      kMicrosPerHour, hour(nearby.from), hour(nearby.to), kMostFiles + 1);
}

// nullopt: nothing is known that narrows it.
std::optional<std::string> files_sql(const Nearby& nearby) {
  if (nearby.by == Nearby::By::kHours) return files_of_hours(nearby);
  const auto ids = nearby.by == Nearby::By::kFluxId ? placed_flux_ids(nearby.least, nearby.most)
                                                    : placed_trace_ids(nearby.least, nearby.most);
  return ids ? std::optional(files_of_ids(*ids)) : std::nullopt;
}

void add_file(Groups& groups, const std::vector<std::optional<std::string>>& row,
              const std::filesystem::path& parquet) {
  const auto& signal = signal_named(row[0].value_or(""));
  auto& of_signal = groups[std::string(signal.name)];
  auto condition = in_seconds(signal, row[2], row[3]);
  auto same = std::find_if(of_signal.begin(), of_signal.end(),
                           [&](const FileGroup& group) { return group.condition == condition; });
  if (same == of_signal.end()) same = of_signal.insert(same, FileGroup{{}, std::move(condition)});
  same->quoted_files +=
      (same->quoted_files.empty() ? "" : ", ") + quote((parquet / row[1].value_or("")).string());
}

// In place of the views. Empty: the views themselves.
Attempt<std::string> narrowed(Connection& connection, const std::filesystem::path& parquet,
                              const Nearby& nearby) {
  const auto wanted = files_sql(nearby);
  if (!wanted) return std::string();
  auto files = read_all(connection, *wanted);
  if (!files) return tl::unexpected(std::move(files.error()));
  if (files->rows.size() > kMostFiles) return std::string();
  Groups groups;
  for (const auto& row : files->rows) add_file(groups, row, parquet);
  std::string with;
  for (const auto& signal : signals()) {
    const bool by_hours = nearby.by == Nearby::By::kHours;
    if (signal.time.empty() && !(by_hours && signal.name == signal_of(SignalKind::kAuditBlocks).name))
      continue;
    with += fmt::format("{}{} AS NOT MATERIALIZED ({})", with.empty() ? "WITH " : ", ", signal.name,
                        signal_rows_sql(signal, groups[std::string(signal.name)]));
  }
  return with + fmt::format(", spans AS NOT MATERIALIZED ({}), logs AS NOT MATERIALIZED ({}) ",
                            spans_rows_sql(), logs_rows_sql());
}

Outcome<QueryTable> run_narrowed(Connection& connection, const std::filesystem::path& parquet,
                                 const NearSelect& select) {
  const auto with = narrowed(connection, parquet, select.nearby);
  if (!with) return problem(with.error().message);
  auto statement = connection.prepare(*with + std::string(select.sql));
  if (!statement) return problem(std::move(statement.error().message));
  return run_prepared(*statement, select.parameters, select.limits);
}

}  // namespace

Outcome<QueryTable> run_prepared(Statement& statement, std::span<const std::string> parameters,
                                 const QueryLimits& limits) {
  if (statement.parameters() != parameters.size())
    return problem(fmt::format("the statement has {} parameters ($1, $2, ...) and {} values were given",
                               statement.parameters(), parameters.size()));
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    std::string scratch;
    if (auto bound = statement.bind_one(i + 1, valid_utf8(parameters[i], scratch)); !bound)
      return problem(std::move(bound.error().message));
  }
  auto result = statement.execute_streaming();
  if (!result) return problem(std::move(result.error().message));
  auto table = read_table(*result, limits);
  if (!table) return problem(std::move(table.error().message));
  return std::move(*table);
}

// In one transaction: an hour that moves to a file meanwhile is either hot or in the list.
Outcome<QueryTable> run_near(Connection& connection, const std::filesystem::path& parquet,
                             const NearSelect& select) {
  if (auto begun = connection.run("BEGIN TRANSACTION READ ONLY"); !begun)
    return problem(std::move(begun.error().message));
  auto table = run_narrowed(connection, parquet, select);
  // It has written nothing, and after an interrupt there is nothing left to be ended.
  (void)connection.run("ROLLBACK");
  return table;
}

}  // namespace fluxrig::sink
