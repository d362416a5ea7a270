#include "sink/duckdb/audit_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sink/duckdb/utf8_text.hpp"

namespace fluxrig::sink {
namespace {

std::string hex(const model::Hash& hash) { return quote(to_hex(hash)); }

std::string time_sql(UnixNanos time) {
  return fmt::format("make_timestamp_ns({}::BIGINT)", std::clamp<std::int64_t>(time.value, 0, INT64_MAX - 1));
}

std::string text_sql(const std::string& text) {
  std::string scratch;
  std::string valid(valid_utf8(text, scratch));
  std::replace(valid.begin(), valid.end(), '\0', ' ');
  return quote(valid);
}

std::string condition(const StreamKey& key) {
  return fmt::format("machine_id = {} AND epoch = {}", quote(to_string(key.machine_id)), key.epoch.value);
}

std::string piece_values(const ChainPiece& piece) {
  return fmt::format("{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}", piece.first.value, piece.next.value,
                     hex(piece.before), hex(piece.head), time_sql(piece.arrived), piece.given_up,
                     piece.checkpoints, hex(piece.first_names), hex(piece.last_statement),
                     piece.signed_to.value, time_sql(piece.signed_at),
                     piece.drops.empty() ? "NULL" : text_sql(piece.drops));
}

// The usual case, one piece that grew, in place: it leaves no deleted row behind.
std::string grow_sql(const StreamKey& key, const ChainPiece& piece) {
  return fmt::format(
      "UPDATE audit_heads SET first_seq = {}, next_seq = {}, before = {}, head = {}, arrived = {}, given_up "
      "= "
      "{}, checkpoints = {}, first_names = {}, last_statement = {}, signed_to = {}, signed_at = {}, drops = "
      "{} WHERE {};",
      piece.first.value, piece.next.value, hex(piece.before), hex(piece.head), time_sql(piece.arrived),
      piece.given_up, piece.checkpoints, hex(piece.first_names), hex(piece.last_statement),
      piece.signed_to.value, time_sql(piece.signed_at), piece.drops.empty() ? "NULL" : text_sql(piece.drops),
      condition(key));
}

void add_pieces(const StreamKey& key, const EpochChain* before, const EpochChain& after, std::string& sql) {
  if (before != nullptr && before->pieces == after.pieces) return;
  if (before != nullptr && before->pieces.size() == 1 && after.pieces.size() == 1) {
    sql += grow_sql(key, after.pieces[0]);
    return;
  }
  if (before != nullptr && !before->pieces.empty())
    sql += fmt::format("DELETE FROM audit_heads WHERE {};", condition(key));
  for (std::size_t i = 0; i < after.pieces.size(); ++i)
    sql +=
        fmt::format("INSERT INTO audit_heads VALUES ({}, {}, {}, {}, {});", quote(to_string(key.machine_id)),
                    key.epoch.value, i, text_sql(after.rack), piece_values(after.pieces[i]));
}

void add_epoch(const StreamKey& key, const EpochChain* before, const EpochChain& after, std::string& sql) {
  if (before != nullptr && before->rack == after.rack && before->end == after.end &&
      before->declared == after.declared && before->untracked == after.untracked)
    return;
  std::string declared;
  for (const auto& [first, last] : after.declared)
    declared += fmt::format("{}{}-{}", declared.empty() ? "" : " ", first.value, last.value);
  const auto end = after.end ? fmt::format("{}, {}, {}, {}", after.end->next.value, hex(after.end->head),
                                           time_sql(after.end->arrived), after.end->given_up)
                             : "NULL, NULL, NULL, NULL";
  sql += fmt::format(
      "DELETE FROM audit_epochs WHERE {};INSERT INTO audit_epochs VALUES ({}, {}, {}, {}, {}, {});",
      condition(key), quote(to_string(key.machine_id)), key.epoch.value, text_sql(after.rack), end,
      quote(declared), after.untracked);
}

void add_alarm(const AuditAlarm& alarm, std::string& sql) {
  const bool of_store = alarm.stream == StreamKey{};
  sql += fmt::format(
      "DELETE FROM audit_alarms WHERE id = {0};INSERT INTO audit_alarms VALUES ({0}, {1}, {2}, {3}, {4}, "
      "{5}, "
      "{6}, {7}, {8}, {9}, {10}, {11}, {12});",
      alarm.id, of_store ? "NULL" : quote(to_string(alarm.stream.machine_id)),
      of_store ? "NULL" : text_sql(alarm.rack), of_store ? "NULL" : std::to_string(alarm.stream.epoch.value),
      quote(to_string(alarm.kind)), is_notice(alarm.kind),
      of_store ? "NULL" : std::to_string(alarm.first.value),
      alarm.last.value == 0 ? "NULL" : std::to_string(alarm.last.value), text_sql(alarm.what), alarm.count,
      time_sql(alarm.raised), time_sql(alarm.latest), alarm.resolved ? time_sql(*alarm.resolved) : "NULL");
}

void add_action(const OperatorAction& action, std::string& sql) {
  sql +=
      fmt::format("INSERT INTO operator_actions VALUES ({}, {}, {}, {}, {}, {}, {});", time_sql(action.time),
                  quote(action.action), text_sql(action.who), text_sql(action.reason),
                  action.machine_id == MachineId{} ? "NULL" : quote(to_string(action.machine_id)),
                  action.alarm == 0 ? "NULL" : std::to_string(action.alarm), text_sql(action.detail));
}

}  // namespace

Attempt<void> store_audit(Connection& connection, const AuditState& before, const AuditChanges& changes) {
  std::string sql;
  for (const auto& [key, chain] : changes.epochs) {
    const auto known = before.epochs.find(key);
    const auto* old = known == before.epochs.end() ? nullptr : &known->second;
    add_pieces(key, old, chain, sql);
    add_epoch(key, old, chain, sql);
  }
  for (const auto& [place, key] : changes.keys)
    sql += fmt::format(
        "DELETE FROM audit_keys WHERE machine_id = {0} AND from_epoch = {3};INSERT INTO audit_keys VALUES "
        "({0}, {1}, {2}, {3});",
        quote(to_string(place.machine_id)), quote(to_hex(key.key)), time_sql(key.pinned), place.from.value);
  for (const auto& alarm : changes.alarms) add_alarm(alarm, sql);
  for (const auto& action : changes.actions) add_action(action, sql);
  return sql.empty() ? Attempt<void>{} : connection.run(sql);
}

}  // namespace fluxrig::sink
