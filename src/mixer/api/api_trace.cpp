#include <fmt/core.h>

#include <array>
#include <span>

#include "base/diagnostics.hpp"
#include "mixer/api/api_audit.hpp"
#include "mixer/api/statement.hpp"
#include "mixer/api/table_output.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::string_view kCommon =
    "CAST(flux_id AS VARCHAR) AS flux_id, trace_id, CAST(machine_id AS VARCHAR) AS machine_id, rack, gear, ";
constexpr std::string_view kTransactionColumns =
    "span_id, parent_span_id, name, kind, start_time, end_time, duration_ns, outcome, reason, "
    "to_json(attributes) AS "
    "attributes, to_json(redactions) AS redactions, child_spans";
constexpr std::string_view kSpanColumns =
    "span_id, parent_span_id, is_root, name, kind, start_time, end_time, duration_ns, status, "
    "status_message, "
    "to_json(attributes) AS attributes";
constexpr std::string_view kLogColumns =
    "span_id, time, severity_number, severity_text, event_name, body, to_json(attributes) AS attributes";
constexpr std::string_view kAuditColumns =
    "CAST(flux_id AS VARCHAR) AS flux_id, rack, CAST(machine_id AS VARCHAR) AS machine_id, lane, epoch, seq, "
    "end_time AS answered_at, received_at AS stored_at";

constexpr RecordColumns kAuditPlaces{.machine_id = 2, .epoch = 4, .sequence = 5, .answered_at = 6};

// At most this many rows of each kind: a trace with more is a loop of its caller.
constexpr int kMostRows = 2'000;
constexpr int kTransactionsOfRack = 20;
constexpr int kCandidates = 6;

enum class IdKind { kFlux, kTrace, kMachine };

std::string_view column_of(IdKind kind) {
  switch (kind) {
    case IdKind::kFlux:
      return "flux_id";
    case IdKind::kTrace:
      return "trace_id";
    case IdKind::kMachine:
      break;
  }
  return "machine_id";
}

std::string matches(const IdPattern& pattern, IdKind kind, Statement& statement) {
  return kind == IdKind::kTrace ? pattern.matches_hex("trace_id", statement)
                                : pattern.matches_uuid(column_of(kind), statement);
}

// Of a machine only the beginning is known, not when it did something: nothing narrows that.
Outcome<sink::QueryTable> select_of(sink::Queries& queries, const IdPattern& pattern, IdKind kind,
                                    const std::string& sql, const Statement& statement) {
  if (kind == IdKind::kMachine) return queries.select(sql, statement.parameters(), sink::QueryLimits{});
  const auto by = kind == IdKind::kFlux ? sink::Nearby::By::kFluxId : sink::Nearby::By::kTraceId;
  return queries.select_near({.by = by, .least = pattern.least, .most = pattern.most}, sql,
                             statement.parameters(), sink::QueryLimits{});
}

// The ids of this kind that begin as asked, a few at most.
Outcome<std::vector<std::string>> find_ids(sink::Queries& queries, const IdPattern& pattern, IdKind kind) {
  const auto column = column_of(kind);
  Statement statement;
  const auto condition = matches(pattern, kind, statement);
  // A machine without transactions is still a machine; whatever is stored of one is in the ledger.
  constexpr std::array<std::string_view, 3> kRecords{"transactions", "child_spans", "log_records"};
  constexpr std::array<std::string_view, 2> kMachines{"ledger", "racks"};
  const auto tables = kind == IdKind::kMachine ? std::span<const std::string_view>(kMachines) : kRecords;
  std::string source;
  for (const auto table : tables)
    source += fmt::format("{}SELECT {} FROM {} WHERE {}", source.empty() ? "" : " UNION ALL ", column, table,
                          condition);
  const auto sql = fmt::format("SELECT DISTINCT CAST({0} AS VARCHAR) AS id FROM ({1}) ORDER BY id LIMIT {2}",
                               column, source, kCandidates);
  auto table = select_of(queries, pattern, kind, sql, statement);
  if (!table) return tl::unexpected(table.error());
  std::vector<std::string> ids;
  for (auto& row : table->rows)
    if (row[0]) ids.push_back(std::move(*row[0]));
  return ids;
}

struct Part {
  std::string_view name;
  std::string_view source;
  std::string columns;
  std::string order;
};

std::vector<Part> parts_of(IdKind kind) {
  const std::string common(kCommon);
  if (kind == IdKind::kMachine) {
    const auto newest = fmt::format("ORDER BY start_time DESC LIMIT {}", kTransactionsOfRack);
    return {{"transactions", "transactions", common + std::string(kTransactionColumns), newest},
            {"audit", "transactions", std::string(kAuditColumns), newest}};
  }
  const auto oldest = [](std::string_view time) {
    return fmt::format("ORDER BY {} LIMIT {}", time, kMostRows);
  };
  return {{"transactions", "transactions", common + std::string(kTransactionColumns), oldest("start_time")},
          {"spans", "spans", common + std::string(kSpanColumns), oldest("start_time")},
          {"logs", "logs", common + std::string(kLogColumns), oldest("time")},
          {"audit", "transactions", std::string(kAuditColumns), oldest("start_time")}};
}

// Of the store, and by its form an id.
ReplyText found_id(const std::string& text, IdKind kind) {
  if (kind != IdKind::kTrace) return uuid(text);
  const auto bytes = from_hex(text);
  return bytes ? hex(*bytes) : said(text);
}

ApiResponse everything(sink::Queries& queries, const std::string& id, IdKind kind) {
  const auto pattern = parse_id(id);
  if (!pattern) return problem_response(500, "the store holds an id that is none");
  ApiResponse response;
  response.body =
      ReplyText::format(R"({{"id":"{}","matched_by":"{}")", found_id(id, kind), said(column_of(kind)));
  for (const auto& part : parts_of(kind)) {
    Statement statement;
    statement.where(matches(*pattern, kind, statement));
    auto table =
        select_of(queries, *pattern, kind, statement.text(part.columns, part.source, part.order), statement);
    if (!table) return problem_response(503, table.error().message);
    if (part.name == "audit") add_chain_standing(queries, *table, kAuditPlaces);
    response.body +=
        ReplyText::format(",\"{}\":{}", said(part.name), rows_as_objects(*table, table->columns.size()));
  }
  if (kind == IdKind::kMachine) response.body += R"(,"spans":[],"logs":[])";
  response.body += "}\n";
  return response;
}

ApiResponse ambiguous(const std::vector<std::string>& ids, IdKind kind) {
  ReplyText list;
  for (const auto& id : ids) list += ReplyText::format("{}\"{}\"", comma(!list.empty()), found_id(id, kind));
  return problem_response(409, fmt::format("more than one {} begins so; give more of it", column_of(kind)),
                          ReplyText::format(",\"candidates\":[{}]", list));
}

}  // namespace

ApiResponse trace_response(sink::Queries& queries, const std::string& id) {
  const auto pattern = parse_id(id);
  if (!pattern)
    return problem_response(400, "no id: write at least 4 hex digits of a flux_id, trace_id or machine_id");
  for (const auto kind : {IdKind::kFlux, IdKind::kTrace, IdKind::kMachine}) {
    const auto ids = find_ids(queries, *pattern, kind);
    if (!ids) return problem_response(503, ids.error().message);
    if (ids->size() > 1) return ambiguous(*ids, kind);
    if (ids->size() == 1) return everything(queries, ids->front(), kind);
  }
  return problem_response(
      404,
      "no transaction, trace or rack with this id is stored; a transaction appears within a "
      "second of its answer, when its rack is connected");
}

}  // namespace fluxrig::mixer
