#include <fmt/core.h>

#include <array>
#include <charconv>

#include "base/ids.hpp"
#include "mixer/api/api.hpp"
#include "mixer/api/statement.hpp"
#include "mixer/api/table_output.hpp"
#include "sanitize/excerpt.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::uint32_t kDefaultRows = 100;
constexpr std::uint32_t kMostRows = 1'000;

// Rows of a list are ordered by these, newest first; together they are unique, and the cursor of a page is
// the last row's values. Spans of services have no machine.
#define FLUXRIG_MACHINE "coalesce(machine_id, CAST('00000000-0000-0000-0000-000000000000' AS UUID))"
constexpr std::string_view kCursor =
    "concat_ws('~', epoch_ns({0}), " FLUXRIG_MACHINE ", lane, epoch, seq) AS cursor";
constexpr std::string_view kOrder =
    "ORDER BY {0} DESC, " FLUXRIG_MACHINE " DESC, lane DESC, epoch DESC, seq DESC LIMIT {1}";
constexpr std::string_view kCommon =
    "CAST(flux_id AS VARCHAR) AS flux_id, trace_id, CAST(machine_id AS VARCHAR) AS "
    "machine_id, rack, gear, epoch, seq, received_at, ";

struct List {
  std::string_view name;
  std::string_view time_column;
  std::string_view columns;
  std::array<std::string_view, 4> equals;  // parameters that compare with the column of that name
};
constexpr std::array<List, 4> kLists{{
    {"transactions",
     "start_time",
     "span_id, parent_span_id, name, kind, start_time, end_time, duration_ns, outcome, reason, "
     "to_json(attributes) AS attributes, to_json(redactions) AS redactions, child_spans",
     {"rack", "gear", "name", "outcome"}},
    {"spans",
     "start_time",
     "span_id, parent_span_id, is_root, name, kind, start_time, end_time, duration_ns, status, "
     "status_message, "
     "to_json(attributes) AS attributes",
     {"rack", "gear", "name", "status"}},
    {"metrics",
     "time",
     "name, unit, type, monotonic, start_time, time, value, count, sum, min, max, scale, zero_count, "
     "bucket_offset, "
     "to_json(buckets) AS buckets, to_json(bounds) AS bounds, exemplars, to_json(attributes) AS attributes",
     {"rack", "gear", "name", "type"}},
    {"logs",
     "time",
     "span_id, time, severity_number, severity_text, event_name, body, to_json(attributes) AS attributes",
     {"rack", "gear", "event_name", "severity_text"}},
}};

struct Cursor {
  std::string time_ns, machine_id, lane, epoch, sequence;
};

bool all_digits(std::string_view text, std::size_t most) {
  if (text.empty() || text.size() > most) return false;
  for (const char c : text)
    if (c < '0' || c > '9') return false;
  return true;
}

std::optional<Cursor> parse_cursor(std::string_view text) {
  std::array<std::string, 5> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto end = text.find('~');
    if ((end == std::string_view::npos) != (i + 1 == parts.size())) return std::nullopt;
    parts[i] = text.substr(0, end);
    if (end != std::string_view::npos) text.remove_prefix(end + 1);
  }
  if (!all_digits(parts[0], 19) || !parse_uuid(parts[1]) || parts[2].size() > 16 ||
      !all_digits(parts[3], 10) || !all_digits(parts[4], 19))
    return std::nullopt;
  return Cursor{parts[0], parts[1], parts[2], parts[3], parts[4]};
}

void add_cursor(const Cursor& cursor, std::string_view time, Statement& statement) {
  const auto at = statement.bind(cursor.time_ns);
  // The first condition is implied by the second, and is the one that lets the store skip files.
  statement.where(fmt::format("{} <= make_timestamp_ns(CAST({} AS BIGINT))", time, at));
  statement.where(fmt::format("({0}, " FLUXRIG_MACHINE
                              ", lane, epoch, seq) < (make_timestamp_ns(CAST({1} AS BIGINT)), CAST({2} "
                              "AS UUID), {3}, CAST({4} "
                              "AS UINTEGER), CAST({5} AS UBIGINT))",
                              time, at, statement.bind(cursor.machine_id), statement.bind(cursor.lane),
                              statement.bind(cursor.epoch), statement.bind(cursor.sequence)));
}

std::optional<ApiResponse> add_times(const ApiRequest& request, std::string_view time, UnixNanos now,
                                     Statement& statement) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kBounds{
      {{"since", ">="}, {"until", "<"}}};
  for (const auto& [name, comparison] : kBounds) {
    const auto text = request.parameter(name);
    if (!text) continue;
    const auto bound = parse_time(*text, now);
    if (!bound)
      return problem_response(
          400, fmt::format("'{}' is no time; write 2026-11-22T14:03:07Z, or an age such as 15m", name));
    statement.where(fmt::format("{} {} make_timestamp_ns(CAST({} AS BIGINT))", time, comparison,
                                statement.bind(std::to_string(bound->value))));
  }
  return std::nullopt;
}

bool is_parameter(const List& list, std::string_view name) {
  for (const std::string_view known : {"id", "since", "until", "limit", "cursor"})
    if (name == known) return true;
  for (const auto known : list.equals)
    if (name == known) return true;
  return list.name == "transactions" && name == "min_duration_ms";
}

std::optional<ApiResponse> add_filters(const List& list, const ApiRequest& request, UnixNanos now,
                                       Statement& statement) {
  for (const auto& [name, value] : request.query)
    if (!is_parameter(list, name))
      return problem_response(
          400, fmt::format("unknown parameter '{}' of {}", sanitize::excerpt(name, 64), list.name));
  for (const auto column : list.equals)
    if (const auto value = request.parameter(column))
      statement.where(fmt::format("{} = {}", column, statement.bind(*value)));
  if (const auto id = request.parameter("id")) {
    const auto pattern = parse_id(*id);
    if (!pattern)
      return problem_response(
          400, "'id' is no id; write at least 4 hex digits of a flux_id, trace_id or machine_id");
    const auto flux = pattern->matches_uuid("flux_id", statement);
    const auto trace = pattern->matches_hex("trace_id", statement);
    statement.where(flux + " OR " + trace + " OR " + pattern->matches_uuid("machine_id", statement));
  }
  if (const auto least = request.parameter("min_duration_ms")) {
    if (!all_digits(*least, 9)) return problem_response(400, "'min_duration_ms' is no whole number");
    statement.where(fmt::format("duration_ns >= CAST({} AS BIGINT) * 1000000", statement.bind(*least)));
  }
  if (auto wrong = add_times(request, list.time_column, now, statement)) return wrong;
  if (const auto text = request.parameter("cursor")) {
    const auto cursor = parse_cursor(*text);
    if (!cursor) return problem_response(400, "'cursor' is not one that this API gave");
    add_cursor(*cursor, list.time_column, statement);
  }
  return std::nullopt;
}

std::optional<std::uint32_t> rows_asked_for(const ApiRequest& request) {
  const auto text = request.parameter("limit");
  if (!text) return kDefaultRows;
  std::uint32_t rows = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), rows);
  if (error != std::errc{} || end != text->data() + text->size() || rows == 0 || rows > kMostRows)
    return std::nullopt;
  return rows;
}

ApiResponse page(const List& list, sink::QueryTable table, std::uint32_t rows, bool csv) {
  std::optional<std::string> next;
  if (table.rows.size() > rows) {  // one more than asked for: there is another page
    table.rows.resize(rows);
    next = table.rows.back().back();
  }
  const std::size_t columns = table.columns.size() - 1;  // without the cursor
  ApiResponse response;
  if (csv) {
    response.content_type = "text/csv; charset=utf-8";
    response.body = table_as_csv(table, columns);
    if (next) response.headers.emplace_back("Next-Cursor", *next);
    return response;
  }
  response.body = ReplyText::format("{{\"{}\":{},\"next_cursor\":{}}}\n", said(list.name),
                                    rows_as_objects(table, columns), quoted_cell(next));
  return response;
}

}  // namespace

ApiResponse list_response(sink::Queries& queries, std::string_view name, const ApiRequest& request,
                          UnixNanos now) {
  const List* list = nullptr;
  for (const auto& known : kLists)
    if (known.name == name) list = &known;
  if (list == nullptr) return problem_response(404, "no such list");
  const auto rows = rows_asked_for(request);
  if (!rows) return problem_response(400, fmt::format("'limit' is no number from 1 to {}", kMostRows));
  Statement statement;
  if (auto wrong = add_filters(*list, request, now, statement)) return std::move(*wrong);
  const std::string columns = std::string(kCommon) + std::string(list->columns) + ", " +
                              fmt::format(fmt::runtime(kCursor), list->time_column);
  const auto sql =
      statement.text(columns, list->name, fmt::format(fmt::runtime(kOrder), list->time_column, *rows + 1));
  auto table = queries.select(sql, statement.parameters(), sink::QueryLimits{});
  if (!table) return problem_response(503, table.error().message);
  return page(*list, std::move(*table), *rows, wants_csv(request.accept));
}

}  // namespace fluxrig::mixer
