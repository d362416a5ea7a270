#include <fmt/core.h>

#include <map>

#include "base/diagnostics.hpp"
#include "mixer/api/api_audit.hpp"
#include "mixer/api/json_text.hpp"

namespace fluxrig::mixer {
namespace {

// What the store knows of a rack: its last remembered presence, and how far its audit lane is stored.
struct StoredRack {
  std::string rack, version, epoch, last_seen, started;
  std::optional<std::uint64_t> audit_epoch, audit_sequence;
  std::optional<AuditStanding> standing = std::nullopt;
};

std::string text_of(const std::optional<std::string>& value) { return value.value_or(""); }

Outcome<std::map<std::string, StoredRack>> stored_racks(sink::Queries& queries) {
  std::map<std::string, StoredRack> racks;
  auto table = queries.select(
      "SELECT CAST(machine_id AS VARCHAR), rack, version, epoch, last_seen, started FROM racks LIMIT 10000",
      {}, sink::QueryLimits{});
  if (!table) return tl::unexpected(table.error());
  for (const auto& row : table->rows)
    racks[text_of(row[0])] = {
        text_of(row[1]), text_of(row[2]), text_of(row[3]), text_of(row[4]), text_of(row[5]), {}, {}};
  table = queries.select(
      "SELECT CAST(machine_id AS VARCHAR), epoch, max(last_seq) FROM ledger WHERE lane = 'audit' GROUP BY "
      "ALL ORDER BY "
      "epoch LIMIT 10000",
      {}, sink::QueryLimits{});
  if (!table) return tl::unexpected(table.error());
  for (const auto& row : table->rows) {
    auto& rack = racks[text_of(row[0])];
    rack.audit_epoch = std::strtoull(text_of(row[1]).c_str(), nullptr, 10);
    rack.audit_sequence = std::strtoull(text_of(row[2]).c_str(), nullptr, 10);
  }
  const auto standings = audit_standings(queries);
  if (!standings) return tl::unexpected(standings.error());
  for (const auto& [machine, standing] : *standings) racks[machine].standing = standing;
  return racks;
}

ReplyText audit_of(const StoredRack& stored, const sink::RackPresence* live) {
  if (!stored.audit_epoch || !stored.audit_sequence) return ReplyText(R"("audit":null)");
  // The lag is exact for the epoch that the rack is in, when its heartbeat says how far it is.
  ReplyText lag("null");
  if (live != nullptr && live->epoch.value == *stored.audit_epoch)
    if (const auto head = json_number_at(live->status_json, "audit", "sequence"))
      lag = ReplyText::format("{}", *head - std::min(*head, *stored.audit_sequence));
  return ReplyText::format(R"("audit":{{"epoch":{},"stored_sequence":{},"lag_records":{}}})",
                           *stored.audit_epoch, *stored.audit_sequence, lag);
}

ReplyText state_of(const StoredRack& stored, const sink::RackPresence* live, UnixNanos now) {
  if (!stored.standing) return ReplyText(R"("audit_state":null)");
  return ReplyText::format(R"("audit_state":"{}")", said(audit_state(*stored.standing, live, now)));
}

// As its last heartbeat said; null: it has said nothing of the kind.
ReplyText pressure_of(const std::optional<model::RackPressure>& pressure) {
  if (!pressure) return ReplyText(R"("pressure":null)");
  return ReplyText::format(
      R"("pressure":{{"state":"{}","cause":{},"backlog_bytes":{},"live_bytes_per_s":{},"replay_bytes_per_s":{},)"
      R"("seconds_left":{},"spool_messages":{}}})",
      said(name_of(pressure->state)), quoted(pressure->cause), pressure->backlog_bytes,
      pressure->live_bytes_per_s, pressure->replay_bytes_per_s,
      pressure->seconds_left ? ReplyText::format("{}", *pressure->seconds_left) : ReplyText("null"),
      pressure->spool_messages);
}

// What its hello said of its host and process; null: it has said hello to no mixer since this one started.
ReplyText resource_of(const std::optional<Presence::RackResource>& resource) {
  if (!resource) return ReplyText(R"("resource":null)");
  ReplyText text;
  for (const auto& [key, value] : resource->attributes) {
    text += ReplyText::format(R"({}"{}":)", comma(!text.empty()), said(key));
    if (const auto* number = std::get_if<std::int64_t>(&value))
      text += ReplyText::format("{}", *number);
    else if (const auto* words = std::get_if<std::string>(&value))
      text += ReplyText::format(R"("{}")", said(*words));
    else
      text += "null";
  }
  return ReplyText::format(R"("resource":{{{}}})", text);
}

struct LiveRack {
  sink::RackPresence presence;
  std::optional<model::RackPressure> pressure;
  std::optional<Presence::RackResource> resource;
};

ReplyText rack_json(const std::string& machine, const std::string& name, const StoredRack& stored,
                    const LiveRack* rack, UnixNanos now) {
  const auto* live = rack == nullptr ? nullptr : &rack->presence;
  if (live == nullptr)
    return ReplyText::format(
        R"({{"machine_id":"{}","rack":"{}","state":"{}","version":{},"epoch":{},"started":{},"last_seen":{},)"
        R"("resource":null,{},{},"pressure":null,"status":null}})",
        uuid(machine), said(name), said(stored.last_seen.empty() ? "never_seen" : "absent"),
        quoted(stored.version), number_or_null(stored.epoch), quoted(stored.started),
        quoted(stored.last_seen), state_of(stored, nullptr, now), audit_of(stored, nullptr));
  const bool here = now.value - live->last_seen.value <= Presence::kAbsentAfter;
  return ReplyText::format(
      R"({{"machine_id":"{}","rack":"{}","state":"{}","version":{},"epoch":{},"started":{},"last_seen":{},{},{},{},)"
      R"({},"status":{}}})",
      uuid(machine), said(name), said(here ? "present" : "absent"),
      quoted(live->version.empty() ? stored.version : live->version), live->epoch.value,
      time_or_null(live->started), time_or_null(live->last_seen), resource_of(rack->resource),
      state_of(stored, live, now), audit_of(stored, live), pressure_of(rack->pressure),
      json_object(live->status_json));
}

}  // namespace

ApiResponse Api::racks() const {
  auto stored = stored_racks(parts_.queries);
  if (!stored) return problem_response(503, stored.error().message);
  // By name from the index first; those that are only in the store follow with the name they had.
  std::map<std::string, std::string> names;
  for (const auto& [machine, rack] : *stored) names[machine] = rack.rack;
  for (const auto& [machine, name] : parts_.racks.all()) names[to_string(machine)] = name;
  std::map<std::string, LiveRack> live;
  for (auto& presence : parts_.presence.all()) {
    const auto machine = to_string(presence.machine_id);
    names.try_emplace(machine, presence.rack);
    auto pressure = parts_.presence.pressure_of(presence.machine_id);
    auto resource = parts_.presence.resource_of(presence.machine_id, presence.epoch);
    live.emplace(machine, LiveRack{std::move(presence), std::move(pressure), std::move(resource)});
  }
  const auto now = parts_.clock.now();
  ApiResponse response;
  response.body = ReplyText("{\"racks\":[");
  bool first = true;
  for (const auto& [machine, name] : names) {
    const auto present = live.find(machine);
    response.body += comma(!first);
    response.body +=
        rack_json(machine, name, (*stored)[machine], present == live.end() ? nullptr : &present->second, now);
    first = false;
  }
  response.body += "]}\n";
  return response;
}

}  // namespace fluxrig::mixer
