// GET /api/v1/doubt: transactions that left their rack and have no outcome.
#include <fmt/core.h>

#include <charconv>

#include "mixer/api/api.hpp"
#include "mixer/api/statement.hpp"
#include "mixer/api/table_output.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::uint32_t kDefaultRows = 1'000;
constexpr std::uint32_t kMostRows = 10'000;
// An intent of the running epoch without outcome for so long since it came: the rack may be cut off or dead.
constexpr std::int64_t kLateAfter = 300 * kNanosPerSecond;

constexpr std::string_view kColumns =
    "CASE WHEN EXISTS (SELECT 1 FROM in_doubt AS d WHERE d.machine_id = o.machine_id AND d.epoch = o.epoch) "
    "THEN 'in_doubt' WHEN o.received_at < make_timestamp_ns(CAST({} AS BIGINT)) THEN 'late' ELSE 'in_flight' "
    "END AS state, o.rack, CAST(o.machine_id AS VARCHAR) AS machine_id, o.epoch, o.seq AS sequence, "
    "CAST(o.flux_id AS VARCHAR) AS flux_id, o.trace_id, o.span_id, o.gear, o.name, o.time, o.received_at, "
    "to_json(o.attributes) AS attributes, to_json(o.redactions) AS redactions";

std::optional<std::uint32_t> rows_asked_for(const ApiRequest& request) {
  const auto text = request.parameter("limit");
  if (!text) return kDefaultRows;
  std::uint32_t rows = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), rows);
  const bool good =
      error == std::errc{} && end == text->data() + text->size() && rows != 0 && rows <= kMostRows;
  return good ? std::optional(rows) : std::nullopt;
}

}  // namespace

ApiResponse doubt_response(sink::Queries& queries, const ApiRequest& request, UnixNanos now) {
  for (const auto& [name, value] : request.query)
    if (name != "rack" && name != "all" && name != "limit")
      return problem_response(400, "doubt knows the parameters rack, all and limit");
  const auto rows = rows_asked_for(request);
  if (!rows) return problem_response(400, fmt::format("'limit' is no number from 1 to {}", kMostRows));
  const auto all = request.parameter("all").value_or("false");
  if (all != "true" && all != "false") return problem_response(400, "'all' is true or false");

  Statement statement;
  const auto columns =
      fmt::format(fmt::runtime(kColumns), statement.bind(std::to_string(now.value - kLateAfter)));
  if (const auto rack = request.parameter("rack"))
    statement.where(fmt::format("rack = {}", statement.bind(*rack)));
  if (all == "false") statement.where("state <> 'in_flight'");
  const auto sql =
      statement.text("*", fmt::format("(SELECT {} FROM open_intents AS o)", columns),
                     fmt::format("ORDER BY time, machine_id, epoch, sequence LIMIT {}", *rows + 1));
  auto table = queries.select(sql, statement.parameters(), sink::QueryLimits{.rows = kMostRows + 1});
  if (!table) return problem_response(503, table.error().message);
  const bool more = table->truncated || table->rows.size() > *rows;
  if (table->rows.size() > *rows) table->rows.resize(*rows);
  ApiResponse response;
  response.body = ReplyText::format("{{\"doubt\":{},\"truncated\":{}}}\n",
                                    rows_as_objects(*table, table->columns.size()), more);
  return response;
}

}  // namespace fluxrig::mixer
