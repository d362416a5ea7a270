#include "sink/duckdb/ledger_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "sink/duckdb/record_rows.hpp"
#include "sink/duckdb/result_table.hpp"

namespace fluxrig::sink {
namespace {

constexpr model::Lane kLanes[] = {model::Lane::kSpool, model::Lane::kAudit, model::Lane::kTelemetry};

template <typename T>
bool parse(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::optional<StreamKey> stream_key(std::string_view machine_id, std::string_view lane,
                                    std::string_view epoch) {
  StreamKey key;
  const auto machine = parse_uuid(machine_id);
  const auto* known =
      std::find_if(std::begin(kLanes), std::end(kLanes), [&](auto one) { return to_string(one) == lane; });
  if (!machine || known == std::end(kLanes) || !parse(epoch, key.epoch.value)) return std::nullopt;
  key.machine_id.bytes = *machine;
  key.lane = *known;
  return key;
}

Attempt<Ledger> load_ledger(Connection& connection) {
  auto rows =
      read_all(connection, "SELECT machine_id, lane, epoch, first_seq, last_seq FROM ledger ORDER BY ALL");
  if (!rows) return tl::unexpected(std::move(rows.error()));
  Ledger ledger;
  for (const auto& row : rows->rows) {
    const auto key = stream_key(row[0].value_or(""), row[1].value_or(""), row[2].value_or(""));
    Sequence first;
    Sequence last;
    if (!key || !parse(row[3].value_or(""), first.value) || !parse(row[4].value_or(""), last.value) ||
        last < first)
      return database_error(DUCKDB_ERROR_INVALID, "a row of the table ledger is not valid");
    ledger[*key].add(first, last);
  }
  return ledger;
}

Attempt<void> store_ranges(Connection& connection, const StreamKey& key, const SequenceRanges& before,
                           const SequenceRanges& after) {
  using Range = std::pair<Sequence, Sequence>;
  std::vector<Range> gone;
  std::vector<Range> fresh;
  std::set_difference(before.ranges().begin(), before.ranges().end(), after.ranges().begin(),
                      after.ranges().end(), std::back_inserter(gone));
  std::set_difference(after.ranges().begin(), after.ranges().end(), before.ranges().begin(),
                      before.ranges().end(), std::back_inserter(fresh));
  const auto stream =
      fmt::format("machine_id = {} AND lane = {} AND epoch = {}", quote(to_string(key.machine_id)),
                  quote(to_string(key.lane)), key.epoch.value);
  std::string sql;
  // The usual case: one range that grew. Changing it in place leaves no deleted row behind.
  if (gone.size() == 1 && fresh.size() == 1 && gone[0].first == fresh[0].first) {
    sql = fmt::format("UPDATE ledger SET last_seq = {} WHERE {} AND first_seq = {};", fresh[0].second.value,
                      stream, fresh[0].first.value);
  } else {
    for (const auto& [first, last] : gone)
      sql += fmt::format("DELETE FROM ledger WHERE {} AND first_seq = {};", stream, first.value);
    for (const auto& [first, last] : fresh)
      sql += fmt::format("INSERT INTO ledger VALUES ({}, {}, {}, {}, {});", quote(to_string(key.machine_id)),
                         quote(to_string(key.lane)), key.epoch.value, first.value, last.value);
  }
  return sql.empty() ? Attempt<void>{} : connection.run(sql);
}

}  // namespace fluxrig::sink
