#include "mixer/api/api.hpp"

#include <fmt/core.h>

#include <charconv>

#include "base/diagnostics.hpp"
#include "mixer/api/api_audit.hpp"
#include "mixer/api/json_text.hpp"
#include "mixer/api/statement.hpp"
#include "mixer/api/table_output.hpp"
#include "mixer/api/token.hpp"
#include "sanitize/sanitizer.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::string_view kPrefix = "/api/v1/";
constexpr std::string_view kTracePrefix = "/api/v1/trace/";
constexpr std::string_view kAuditPrefix = "/api/v1/audit/";
constexpr std::string_view kMetricsPath = "/metrics";
constexpr std::uint64_t kMostSqlRows = 100'000;

bool begins_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

ApiResponse text_response(std::string_view content_type, ReplyText body) {
  ApiResponse response;
  response.content_type = content_type;
  response.body = std::move(body);
  return response;
}

ApiResponse method_not_allowed(std::string_view allowed) {
  auto response = problem_response(405, fmt::format("use {}", allowed));
  response.headers.emplace_back("Allow", allowed);
  return response;
}

ReplyText pressure_json(const PressureStanding& standing) {
  return ReplyText::format(
      R"("pressure":{{"level":{},"cause":"{}","figure":{:.3f},"changes":{},"leases":{},"capacity_bytes_per_s":{},)"
      R"("racks":{},"live_bytes_per_s":{},"backlog_bytes":{},"replay_bytes_per_s":{}}})",
      standing.level, said(name_of(standing.cause)), standing.figure, standing.changes, standing.leases,
      standing.capacity_bytes_per_s, standing.racks, standing.live_bytes_per_s, standing.backlog_bytes,
      standing.replay_bytes_per_s);
}

ReplyText receive_json(const std::optional<ReceiveFigures>& figures) {
  if (!figures) return ReplyText("null");
  auto text = ReplyText::format(R"({{"requests":{},"stored":{},"duplicates":{},"rejected":{},"refused":{{)",
                                figures->requests, figures->stored, figures->duplicates, figures->rejected);
  for (std::size_t i = 0; i < kReceiveRefusalNames.size(); ++i)
    text +=
        ReplyText::format(R"({}"{}":{})", comma(i != 0), said(kReceiveRefusalNames[i]), figures->refused[i]);
  text += "}}";
  return text;
}

}  // namespace

std::optional<ApiResponse> Api::quick(const ApiRequest& request) const {
  const bool get = request.method == "GET" || request.method == "HEAD";
  if (begins_with(request.path, kPrefix) || request.path == kMetricsPath) {
    if (!authorizes(request.authorization, parts_.token))
      return problem_response(401, "send the token of the mixer's token file: Authorization: Bearer <token>");
    if (request.path == "/api/v1/sql")
      return get || request.method == "POST" ? std::nullopt : std::optional(method_not_allowed("GET, POST"));
    if (is_dead_letters_path(request.path) || is_rack_pressure_path(request.path) ||
        is_rack_debug_path(request.path))
      return std::nullopt;
    if (is_alarm_decision(request.path) || request.path == kTokenUsesPath)
      return request.method == "POST" ? std::nullopt : std::optional(method_not_allowed("POST"));
    if (!get) return method_not_allowed("GET");
    if (request.path == "/api/v1/tail") return tail(request);
    if (request.path == "/api/v1/status") return status();
    return std::nullopt;
  }
  if (!get) return method_not_allowed("GET");
  if (request.path == "/livez") return text_response("text/plain", ReplyText("ok\n"));
  if (request.path == "/readyz") return ready();
  if (request.path == "/openapi.yaml") return text_response("application/yaml", parts_.openapi);
  return problem_response(404, "no such resource; /openapi.yaml lists them");
}

ApiResponse Api::handle(const ApiRequest& request) const {
  if (begins_with(request.path, kTracePrefix))
    return trace_response(parts_.queries, request.path.substr(kTracePrefix.size()));
  if (begins_with(request.path, kAuditPrefix))
    return audit_response(parts_, std::string_view(request.path).substr(kAuditPrefix.size()), request);
  if (request.path == kMetricsPath) return metrics(request);
  if (request.path == "/api/v1/racks") return racks();
  if (is_rack_pressure_path(request.path)) return rack_pressure_response(parts_, request);
  if (is_rack_debug_path(request.path)) return rack_debug_response(parts_, request);
  if (is_dead_letters_path(request.path)) return dead_letters_response(parts_, request);
  if (request.path == "/api/v1/sql") return sql(request);
  if (request.path == "/api/v1/doubt") return doubt_response(parts_.queries, request, parts_.clock.now());
  const std::string_view last =
      std::string_view(request.path).substr(std::min(kPrefix.size(), request.path.size()));
  for (const std::string_view list : {"transactions", "spans", "metrics", "logs"})
    if (last == list) return list_response(parts_.queries, list, request, parts_.clock.now());
  return problem_response(404, "no such resource; /openapi.yaml lists them");
}

ApiResponse Api::ready() const {
  const auto readiness = parts_.readiness();
  const bool pulling = parts_.counters.pulling.load(std::memory_order_relaxed);
  const bool failing = parts_.counters.sink_failing.load(std::memory_order_relaxed);
  ApiResponse response;
  response.status = readiness.bus_connected && pulling && !failing ? 200 : 503;
  response.body = ReplyText::format(R"({{"ready":{},"bus_connected":{},"pulling":{},"store_writable":{}}})"
                                    "\n",
                                    response.status == 200, readiness.bus_connected, pulling, !failing);
  return response;
}

ApiResponse Api::status() const {
  const auto readiness = parts_.readiness();
  const auto& c = parts_.counters;
  const auto load = [](const auto& counter) { return counter.load(std::memory_order_relaxed); };
  ApiResponse response;
  response.body = ReplyText::format(
      R"({{"version":"{}","started":"{}","ingest":{{"messages":{},"bytes":{},"blocks":{},"records":{},"rows":{},)"
      R"("duplicates":{},"control_blocks":{},"commits":{},"commit_failures":{},"receipts":{},"last_commit_ms":{:.3f},)"
      R"("slowest_commit_ms":{:.3f},"last_commit":{}}},)",
      said(parts_.version), id(parts_.started), load(c.messages), load(c.bytes), load(c.blocks),
      load(c.records), load(c.rows), load(c.duplicates), load(c.control_blocks), load(c.commits),
      load(c.commit_failures), load(c.receipts), static_cast<double>(load(c.last_commit_nanos)) / 1e6,
      static_cast<double>(load(c.slowest_commit_nanos)) / 1e6, time_or_null({load(c.last_commit_time)}));
  response.body += ReplyText::format(
      R"("audit":{{"blocks":{},"repeats":{},"forks":{},"alarms_raised":{},"alarms_open":{},"losses_declared":{}}},)",
      load(c.audit_blocks), load(c.audit_repeats), load(c.audit_forks), load(c.alarms_raised),
      load(c.alarms_open), load(c.losses_declared));
  response.body += "\"refused\":{";
  for (std::size_t i = 0; i < kRefusalNames.size(); ++i)
    response.body +=
        ReplyText::format(R"({}"{}":{})", comma(i != 0), said(kRefusalNames[i]), load(c.refusals[i]));
  response.body += ReplyText::format(
      R"(}},"bus_connected":{},"pulling":{},"store_writable":{},"tail_clients":{},"streams":[)",
      readiness.bus_connected, load(c.pulling), !load(c.sink_failing), parts_.tail.clients());
  for (std::size_t i = 0; i < readiness.streams.size(); ++i) {
    const auto& stream = readiness.streams[i];
    response.body +=
        ReplyText::format(R"({}{{"name":"{}","messages":{},"bytes":{},"max_bytes":{}}})", comma(i != 0),
                          said(stream.name), stream.messages, stream.bytes, stream.max_bytes);
  }
  response.body +=
      ReplyText::format("],{},\"export\":{},\"receive\":{}}}\n", pressure_json(readiness.pressure),
                        readiness.exporting.empty() ? ReplyText("null") : readiness.exporting,
                        receive_json(readiness.receiving));
  return response;
}

ApiResponse Api::tail(const ApiRequest& request) const {
  TailFilter filter;
  for (const auto& [name, value] : request.query) {
    if (name == "rack") {
      filter.rack = value;
    } else if (name == "outcome") {
      filter.outcome = parse_outcome(value);
      if (!filter.outcome)
        return problem_response(400, "'outcome' is one of: answered, failed, timed_out, refused, abandoned");
    } else if (name == "min_duration_ms") {
      std::uint32_t least = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), least);
      if (error != std::errc{} || end != value.data() + value.size())
        return problem_response(400, "'min_duration_ms' is no whole number");
      filter.min_duration_nanos = least * kNanosPerMilli;
    } else {
      return problem_response(400, "tail knows the parameters rack, outcome and min_duration_ms");
    }
  }
  ApiResponse response;
  response.content_type = "application/x-ndjson";
  response.tail = parts_.tail.subscribe(std::move(filter));
  if (!response.tail) return problem_response(503, "too many clients watch already; try again later");
  return response;
}

ApiResponse Api::sql(const ApiRequest& request) const {
  auto text = request.method == "POST" ? json_text_member(request.body, "sql") : request.parameter("q");
  if (!text || text->empty())
    return problem_response(400, R"(send the statement as POST {"sql": "SELECT ..."} or GET ?q=SELECT...)");
  // The store holds none, so none can be found; and the statement would stand in the store's errors and
  // answers.
  if (sanitize::mask_card_numbers(*text) != *text)
    return problem_response(
        400,
        "the statement holds what looks like a card number, which no store has; look for its "
        "token instead: 'fluxrig token' makes it from the number");
  sink::QueryLimits limits;
  if (const auto asked = request.parameter("limit")) {
    const auto [end, error] = std::from_chars(asked->data(), asked->data() + asked->size(), limits.rows);
    if (error != std::errc{} || end != asked->data() + asked->size() || limits.rows == 0 ||
        limits.rows > kMostSqlRows)
      return problem_response(400, fmt::format("'limit' is no number from 1 to {}", kMostSqlRows));
  }
  const auto table = parts_.queries.select(*text, {}, limits);
  if (!table) return problem_response(400, table.error().message);
  if (!wants_csv(request.accept)) return text_response("application/json", table_as_json(*table));
  auto response = text_response("text/csv; charset=utf-8", table_as_csv(*table, table->columns.size()));
  if (table->truncated) response.headers.emplace_back("Truncated", "true");
  return response;
}

}  // namespace fluxrig::mixer
