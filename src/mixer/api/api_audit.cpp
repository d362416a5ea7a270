#include "mixer/api/api_audit.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "base/diagnostics.hpp"
#include "mixer/api/json_text.hpp"
#include "mixer/api/statement.hpp"
#include "mixer/api/table_output.hpp"

namespace fluxrig::mixer {
namespace {

// A rack signs at latest 2 s after a record; this is how long that may take to get here.
constexpr std::int64_t kUnsignedForLong = 30 * kNanosPerSecond;
constexpr std::uint64_t kMostRows = 10'000;

// One row a machine. A piece that does not begin its epoch has something missing before it.
constexpr const char* kStandings =
    "WITH newest AS (SELECT machine_id, max(epoch) AS epoch, count(DISTINCT epoch) AS epochs FROM "
    "(SELECT machine_id, epoch FROM audit_heads UNION ALL SELECT machine_id, epoch FROM ledger WHERE lane = "
    "'audit') GROUP BY machine_id), "
    "pieces AS (SELECT machine_id, epoch, max(next_seq) AS next_seq, min(CASE WHEN piece = 0 AND before = "
    "repeat('0', 64) THEN next_seq END) AS whole_to, min(CASE WHEN piece = 0 THEN signed_to END) AS "
    "signed_to, "
    "min(CASE WHEN piece = 0 THEN checkpoints END) AS checkpoints, min(CASE WHEN piece = 0 THEN signed_at "
    "END) "
    "AS signed_at, min(arrived) AS arrived, min(CASE WHEN piece = 0 THEN drops END) AS drops, "
    "count(*) FILTER ((piece > 0 OR before <> repeat('0', 64)) AND NOT given_up) AS missing "
    "FROM audit_heads GROUP BY ALL), "
    "ends AS (SELECT e.machine_id, count(*) AS missing FROM audit_epochs e LEFT JOIN pieces p USING "
    "(machine_id, epoch) WHERE e.end_seq IS NOT NULL AND NOT e.end_given_up AND coalesce(p.next_seq, 1) < "
    "e.end_seq GROUP BY ALL), "
    "stored AS (SELECT machine_id, epoch, max(last_seq) AS stored_to FROM ledger WHERE lane = 'audit' GROUP "
    "BY "
    "ALL), "
    "alarms AS (SELECT machine_id, count(*) AS alarms FROM audit_alarms WHERE resolved_at IS NULL AND NOT "
    "notice GROUP BY ALL) "
    "SELECT CAST(n.machine_id AS VARCHAR), n.epoch, n.epochs, coalesce(s.stored_to, 0), coalesce(p.whole_to, "
    "1) "
    "- 1, greatest(coalesce(p.signed_to, 0), 1) - 1, coalesce(p.checkpoints, 0), CASE WHEN p.signed_to > 0 "
    "THEN epoch_ns(p.signed_at) END, coalesce(epoch_ns(p.arrived), 0), p.drops, "
    "(SELECT coalesce(sum(q.missing), 0) FROM pieces q WHERE q.machine_id = n.machine_id) + "
    "coalesce(e.missing, 0), coalesce(a.alarms, 0), k.public_key "
    "FROM newest n LEFT JOIN pieces p ON p.machine_id = n.machine_id AND p.epoch = n.epoch "
    "LEFT JOIN stored s ON s.machine_id = n.machine_id AND s.epoch = n.epoch "
    "LEFT JOIN ends e ON e.machine_id = n.machine_id LEFT JOIN alarms a ON a.machine_id = n.machine_id "
    "LEFT JOIN (SELECT machine_id, arg_max(public_key, from_epoch) AS public_key FROM audit_keys GROUP BY "
    "machine_id) k ON k.machine_id = n.machine_id ORDER BY 1";

std::uint64_t number(const std::optional<std::string>& cell) {
  return cell ? std::strtoull(cell->c_str(), nullptr, 10) : 0;
}

ReplyText hex_or_null(std::string_view digits) {
  const auto bytes = from_hex(digits);
  return bytes && !bytes->empty() ? ReplyText::format("\"{}\"", hex(*bytes)) : quoted(digits);
}

struct Name {
  std::string rack;
  std::optional<sink::RackPresence> live;
};

ReplyText status_of(const std::string& machine, const Name& name, const AuditStanding& standing,
                    UnixNanos now) {
  const auto* live = name.live ? &*name.live : nullptr;
  ReplyText on_disk("null");
  ReplyText lag("null");
  if (live != nullptr && live->epoch.value == standing.epoch)
    if (const auto last = json_number_at(live->status_json, "audit", "sequence")) {
      on_disk = ReplyText::format("{}", *last);
      lag = ReplyText::format("{}", *last - std::min(*last, standing.stored_to));
    }
  const bool here = live != nullptr && now.value - live->last_seen.value <= Presence::kAbsentAfter;
  return ReplyText::format(
      R"({{"machine_id":"{}","rack":"{}","state":"{}","present":{},"epoch":{},"epochs":{},"stored_to":{},)"
      R"("on_disk_to":{},"lag_records":{},"verified_to":{},"signed_to":{},"unsigned_records":{},)"
      R"("checkpoints":{},"last_checkpoint":{},"drops":{},"missing_pieces":{},"open_alarms":{},"public_key":{}}})",
      uuid(machine), said(name.rack), said(audit_state(standing, live, now)), here, standing.epoch,
      standing.epochs, standing.stored_to, on_disk, lag, standing.verified_to, standing.signed_to,
      standing.stored_to - std::min(standing.stored_to, standing.signed_to), standing.checkpoints,
      time_or_null({standing.checkpoint_time.value_or(0)}),
      standing.drops.empty() ? ReplyText("{}") : json_object(standing.drops), standing.missing,
      standing.open_alarms, hex_or_null(standing.public_key));
}

ApiResponse status(const ApiParts& parts) {
  const auto standings = audit_standings(parts.queries);
  if (!standings) return problem_response(503, standings.error().message);
  std::map<std::string, Name> names;
  for (const auto& [machine, rack] : parts.racks.all()) names[to_string(machine)].rack = rack;
  for (auto& presence : parts.presence.all()) {
    auto& name = names[to_string(presence.machine_id)];
    if (name.rack.empty()) name.rack = presence.rack;
    name.live = std::move(presence);
  }
  ApiResponse response;
  response.body = ReplyText("{\"racks\":[");
  bool first = true;
  for (const auto& [machine, standing] : *standings) {
    response.body += comma(!first);
    response.body += status_of(machine, names[machine], standing, parts.clock.now());
    first = false;
  }
  const auto store = audit_store_status(parts.queries);
  if (!store) return problem_response(503, store.error().message);
  response.body += ReplyText::format("],\"store\":{}}}\n", *store);
  return response;
}

ApiResponse alarms(const ApiParts& parts, const ApiRequest& request) {
  Statement statement;
  for (const auto& [name, value] : request.query) {
    if (name == "rack") {
      statement.where("rack = " + statement.bind(value));
    } else if (name == "kind") {
      if (!sink::parse_alarm_kind(value)) return problem_response(400, "'kind' is no kind of an alarm");
      statement.where("kind = " + statement.bind(value));
    } else if (name == "open" && (value == "true" || value == "false")) {
      if (value == "true") statement.where("resolved_at IS NULL");
    } else if (name == "since") {
      const auto since = parse_time(value, parts.clock.now());
      if (!since)
        return problem_response(400, "'since' is no time; write 2026-11-22T14:03:07Z, or an age such as 15m");
      statement.where(fmt::format("latest_at >= make_timestamp_ns(CAST({} AS BIGINT))",
                                  statement.bind(std::to_string(since->value))));
    } else {
      return problem_response(400, "alarms knows the parameters rack, kind, open=true and since");
    }
  }
  const auto table = parts.queries.select(
      statement.text("id, CAST(machine_id AS VARCHAR) AS machine_id, rack, epoch, kind, notice, first_seq, "
                     "last_seq, what, count, raised_at, latest_at, resolved_at, "
                     "(SELECT max(who) FROM operator_actions WHERE alarm = id) AS closed_by, "
                     "(SELECT max(reason) FROM operator_actions WHERE alarm = id) AS close_reason",
                     "audit_alarms", "ORDER BY id DESC LIMIT 1000"),
      statement.parameters(), sink::QueryLimits{});
  if (!table) return problem_response(503, table.error().message);
  ApiResponse response;
  response.body = ReplyText::format("{{\"alarms\":{}}}\n", rows_as_objects(*table, table->columns.size()));
  return response;
}

}  // namespace

Outcome<std::map<std::string, AuditStanding>> audit_standings(sink::Queries& queries) {
  const auto table = queries.select(kStandings, {}, {.rows = kMostRows});
  if (!table) return tl::unexpected(table.error());
  std::map<std::string, AuditStanding> standings;
  for (const auto& row : table->rows) {
    auto& one = standings[row[0].value_or("")];
    one.epoch = number(row[1]);
    one.epochs = number(row[2]);
    one.stored_to = number(row[3]);
    one.verified_to = number(row[4]);
    one.signed_to = number(row[5]);
    one.checkpoints = number(row[6]);
    if (row[7]) one.checkpoint_time = static_cast<std::int64_t>(number(row[7]));
    one.arrived = static_cast<std::int64_t>(number(row[8]));
    one.drops = row[9].value_or("");
    one.missing = number(row[10]);
    one.open_alarms = number(row[11]);
    one.public_key = row[12].value_or("");
  }
  return standings;
}

std::string_view audit_state(const AuditStanding& standing, const sink::RackPresence* live, UnixNanos now) {
  if (standing.open_alarms != 0) return "alarm";
  const bool here = live != nullptr && now.value - live->last_seen.value <= Presence::kAbsentAfter;
  const bool behind = standing.stored_to > standing.signed_to &&
                      now.value - standing.checkpoint_time.value_or(standing.arrived) > kUnsignedForLong;
  return here && standing.missing == 0 && !behind ? "ok" : "late";
}

ApiResponse audit_response(const ApiParts& parts, std::string_view path, const ApiRequest& request) {
  if (path == "status") return status(parts);
  if (path == "alarms") return alarms(parts, request);
  if (path == "heads") return audit_heads(parts, request);
  if (path == "blocks") return audit_blocks(parts, request);
  if (path == "files") return audit_files(parts, request);
  if (path == "ledger") return audit_ledger(parts, request);
  if (request.path == kTokenUsesPath) return token_use(parts, request);
  if (is_alarm_decision(request.path)) return alarm_decision(parts, request);
  return problem_response(404, "no such resource; /openapi.yaml lists them");
}

}  // namespace fluxrig::mixer
