// GET /api/v1/audit/ledger: what racks state to have produced of lane telemetry, against what the store
// holds.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/diagnostics.hpp"
#include "mixer/api/api_audit.hpp"
#include "mixer/api/json_text.hpp"
#include "mixer/api/statement.hpp"
#include "mixer/telemetry_balance.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::uint32_t kMostRows = 10'000;
// What a rack no longer holds is with the server; what is there may be so old, or the store is behind.
constexpr std::int64_t kOnItsWay = 30 * kNanosPerSecond;

// A lost range that the store holds after all is not lost: docs/formats/telemetry-ledger.md.
constexpr std::string_view kAccounts =
    "(WITH lost AS (SELECT machine_id, epoch, hour_start, signal, max(rack) AS rack{0} FROM (SELECT "
    "machine_id, epoch, first_seq, last_seq, hour_start, rack, cause, unnest(['spans', 'metrics', 'logs']) "
    "AS "
    "signal, unnest([spans, metrics, logs]) AS n FROM telemetry_lost) AS l WHERE n > 0 AND NOT EXISTS "
    "(SELECT "
    "1 FROM ledger AS g WHERE g.machine_id = l.machine_id AND g.lane = 'telemetry' AND g.epoch = l.epoch AND "
    "g.first_seq <= l.first_seq AND g.last_seq >= l.last_seq) GROUP BY machine_id, epoch, hour_start, "
    "signal), "
    "keys AS (SELECT machine_id, epoch, hour_start, signal FROM telemetry_stored UNION SELECT machine_id, "
    "epoch, hour_start, signal FROM telemetry_stated UNION SELECT machine_id, epoch, hour_start, signal FROM "
    "lost), "
    "ended AS (SELECT machine_id, epoch, bool_or(last) AS ended FROM telemetry_stated GROUP BY ALL), "
    "newest AS (SELECT machine_id, max(epoch) AS epoch FROM ledger GROUP BY ALL), "
    "took AS (SELECT machine_id, epoch, sum(last_seq - first_seq + 1) AS records FROM ledger WHERE lane = "
    "'telemetry' GROUP BY ALL), "
    "counted AS (SELECT machine_id, epoch, sum(records) AS records FROM telemetry_stored GROUP BY ALL) "
    "SELECT CAST(k.machine_id AS VARCHAR) AS machine_id, coalesce(t.rack, s.rack, l.rack) AS rack, k.epoch "
    "AS "
    "epoch, epoch_ns(k.hour_start) AS hour, k.hour_start AS hour_start, k.signal AS signal, t.produced AS "
    "produced, coalesce(s.records, 0) AS stored{1}, coalesce(t.closed, false) AS closed, coalesce(e.ended, "
    "false) AS ended, coalesce(n.epoch > k.epoch, false) AS superseded, coalesce(took.records, 0) = "
    "coalesce(c.records, 0) AS counted, coalesce(epoch_ns(t.received_at), 0) AS received FROM keys AS k LEFT "
    "JOIN telemetry_stated AS t USING (machine_id, epoch, hour_start, signal) LEFT JOIN telemetry_stored AS "
    "s "
    "USING (machine_id, epoch, hour_start, signal) LEFT JOIN lost AS l USING (machine_id, epoch, hour_start, "
    "signal) LEFT JOIN ended AS e USING (machine_id, epoch) LEFT JOIN newest AS n USING (machine_id) LEFT "
    "JOIN took USING (machine_id, epoch) LEFT JOIN counted AS c USING (machine_id, epoch))";

// Those that a statement counts; of the others only batches are lost.
constexpr std::array kStatedCauses = {model::DropCause::kRingFull, model::DropCause::kQueueFull,
                                      model::DropCause::kRestrictedSampling, model::DropCause::kOversize,
                                      model::DropCause::kDisabled};

std::string accounts_sql() {
  std::string lost;
  std::string dropped;
  for (std::size_t i = 0; i < model::kDropCauses; ++i) {
    const auto cause = static_cast<model::DropCause>(i);
    const auto name = to_string(cause);
    lost += fmt::format(", coalesce(sum(n) FILTER (cause = '{0}'), 0) AS {0}", name);
    const bool stated = std::find(kStatedCauses.begin(), kStatedCauses.end(), cause) != kStatedCauses.end();
    dropped += stated ? fmt::format(", coalesce(t.{0}, 0) + coalesce(l.{0}, 0) AS {0}", name)
                      : fmt::format(", coalesce(l.{0}, 0) AS {0}", name);
  }
  return fmt::format(fmt::runtime(kAccounts), lost, dropped);
}

// Where the columns of kAccounts stand.
enum Column : std::size_t {
  kMachine,
  kRack,
  kEpoch,
  kHour,
  kHourStart,
  kSignal,
  kProduced,
  kStored,
  kDropped
};
constexpr std::size_t kClosed = kDropped + model::kDropCauses;
constexpr std::size_t kReceived = kClosed + 4;

template <typename T>
T number(const std::optional<std::string>& cell) {
  T value{};
  if (cell) (void)std::from_chars(cell->data(), cell->data() + cell->size(), value);
  return value;
}

TelemetryAccount account_of(const std::vector<std::optional<std::string>>& row) {
  TelemetryAccount account;
  if (row[kProduced]) account.produced = number<std::uint64_t>(row[kProduced]);
  account.stored = number<std::uint64_t>(row[kStored]);
  for (std::size_t i = 0; i < model::kDropCauses; ++i)
    account.dropped[i] = number<std::uint64_t>(row[kDropped + i]);
  const auto is = [&](std::size_t column) { return row[column] == "true"; };
  account.closed = is(kClosed);
  account.ended = is(kClosed + 1);
  account.superseded = is(kClosed + 2);
  account.counted = is(kClosed + 3);
  return account;
}

// Whether anything of an hour may still be on its way: at the rack, as its heartbeats say, or in the stream.
class OnTheWay {
 public:
  explicit OnTheWay(const ApiParts& parts) : now_(parts.clock.now()) {
    for (auto& presence : parts.presence.all())
      live_.emplace(to_string(presence.machine_id), std::move(presence));
    const auto readiness = parts.readiness();
    const auto& counters = parts.counters;
    flows_ = readiness.bus_connected && counters.pulling.load(std::memory_order_relaxed) &&
             !counters.sink_failing.load(std::memory_order_relaxed) &&
             std::any_of(readiness.streams.begin(), readiness.streams.end(), [&](const StreamFill& stream) {
               const bool young = stream.messages == 0 || now_.value - stream.oldest.value < kOnItsWay;
               return stream.name == snake::kStreamTelemetry && young;
             });
  }
  // `stated`: when the rack's latest word about the hour arrived.
  [[nodiscard]] bool any(const std::string& machine, model::Hour hour, UnixNanos stated) const {
    const auto live = live_.find(machine);
    if (!flows_ || live == live_.end() || now_.value - stated.value < kOnItsWay) return true;
    const auto& presence = live->second;
    if (now_.value - presence.last_seen.value > Presence::kAbsentAfter || presence.last_seen <= stated)
      return true;
    const auto held = json_number_at(presence.status_json, "telemetry", "held_since");
    return !held || (*held != 0 && *held < static_cast<std::uint64_t>(hour.end().value));
  }

 private:
  UnixNanos now_;
  std::map<std::string, sink::RackPresence> live_;
  bool flows_ = false;
};

ReplyText row_json(const std::vector<std::optional<std::string>>& row, const TelemetryAccount& account,
                   const TelemetryBalance& balance) {
  ReplyText dropped;
  for (std::size_t i = 0; i < model::kDropCauses; ++i)
    if (account.dropped[i] != 0)
      dropped += ReplyText::format(R"({}"{}":{})", comma(!dropped.empty()),
                                   said(to_string(static_cast<model::DropCause>(i))), account.dropped[i]);
  const auto or_null = [](const auto& count) {
    return count ? ReplyText::format("{}", *count) : ReplyText("null");
  };
  return ReplyText::format(
      R"({{"rack":"{}","machine_id":"{}","hour":"{}","epoch":{},"signal":"{}","state":"{}","produced":{},)"
      R"("stored":{},"dropped":{{{}}},"waiting":{},"unaccounted":{}}})",
      said(row[kRack].value_or("")), uuid(row[kMachine].value_or("")),
      id(UnixNanos{number<std::int64_t>(row[kHour])}), number<std::uint64_t>(row[kEpoch]),
      said(row[kSignal].value_or("")), said(to_string(balance.state)), or_null(account.produced),
      account.stored, dropped, balance.waiting, or_null(balance.unaccounted));
}

// Empty: all is well.
std::string add_conditions(const ApiRequest& request, UnixNanos now, Statement& statement) {
  for (const auto& [name, value] : request.query) {
    if (name == "rack") {
      statement.where("rack = " + statement.bind(value));
    } else if (name == "hour" || name == "since") {
      const auto time = parse_time(value, now);
      if (!time) return fmt::format("'{}' is no time: 2026-11-22T14:00Z, or an age such as 2h", name);
      const auto hour = model::Hour::of(*time).start().value / kNanosPerMicro;
      statement.where(fmt::format("hour_start {} make_timestamp(CAST({} AS BIGINT))",
                                  name == "hour" ? "=" : ">=", statement.bind(std::to_string(hour))));
    } else {
      return "ledger knows the parameters rack, hour and since";
    }
  }
  return "";
}

}  // namespace

ApiResponse audit_ledger(const ApiParts& parts, const ApiRequest& request) {
  Statement statement;
  if (const auto wrong = add_conditions(request, parts.clock.now(), statement); !wrong.empty())
    return problem_response(400, wrong);
  // Before the query: what it then does not find was not on its way.
  const OnTheWay on_the_way(parts);
  const auto sql =
      statement.text("*", accounts_sql(),
                     fmt::format("ORDER BY rack, machine_id, hour, epoch, signal LIMIT {}", kMostRows + 1));
  auto table = parts.queries.select(sql, statement.parameters(), sink::QueryLimits{.rows = kMostRows + 1});
  if (!table) return problem_response(503, table.error().message);
  const bool more = table->truncated || table->rows.size() > kMostRows;
  if (table->rows.size() > kMostRows) table->rows.resize(kMostRows);
  bool exact = true;
  ReplyText rows;
  for (const auto& row : table->rows) {
    const auto account = account_of(row);
    const auto hour = model::Hour::of({number<std::int64_t>(row[kHour])});
    const UnixNanos stated{number<std::int64_t>(row[kReceived])};
    const auto result = balance(account, on_the_way.any(row[kMachine].value_or(""), hour, stated));
    exact = exact && result.exact();
    rows += comma(!rows.empty());
    rows += row_json(row, account, result);
  }
  ApiResponse response;
  response.body = ReplyText::format("{{\"ledger\":[{}],\"exact\":{},\"truncated\":{}}}\n", rows, exact, more);
  return response;
}

}  // namespace fluxrig::mixer
