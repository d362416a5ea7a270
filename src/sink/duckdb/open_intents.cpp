#include "sink/duckdb/open_intents.hpp"

#include <fmt/format.h>

#include <charconv>

#include "sink/duckdb/ledger_table.hpp"
#include "sink/duckdb/record_rows.hpp"
#include "sink/duckdb/result_table.hpp"
#include "sink/duckdb/table_appender.hpp"

namespace fluxrig::sink {
namespace {

// 16 hex digits each: nothing in them needs an escape.
template <typename Spans>
std::string span_list(const Spans& spans) {
  std::string list;
  for (const auto& span : spans) list += fmt::format("{}'{}'", list.empty() ? "" : ",", to_hex(span.view()));
  return list;
}

std::string stream_condition(const StreamKey& key) {
  return fmt::format("machine_id = {} AND epoch = {}", quote(to_string(key.machine_id)), key.epoch.value);
}

}  // namespace

Attempt<OpenIntents::Counts> OpenIntents::load(Connection& connection) {
  auto rows = read_all(connection, "SELECT machine_id, epoch, count(*) FROM open_intents GROUP BY ALL");
  if (!rows) return tl::unexpected(std::move(rows.error()));
  Counts counts;
  for (const auto& row : rows->rows) {
    const auto key = stream_key(row[0].value_or(""), "audit", row[1].value_or(""));
    if (!key) return database_error(DUCKDB_ERROR_INVALID, "a row of the table open_intents is not valid");
    counts[*key] = std::stoull(row[2].value_or("0"));
  }
  return counts;
}

void OpenIntents::see(const IncomingBlock& block, std::size_t index) {
  if (block.head.lane != model::Lane::kAudit) return;
  const auto& record = block.records[index];
  const StreamKey key{block.head.machine_id, block.head.lane, block.head.epoch};
  if (const auto* outcome = std::get_if<model::Transaction>(&record); outcome != nullptr) {
    streams_[key].outcomes.insert(outcome->span_id);
  } else if (const auto* intent = std::get_if<model::Intent>(&record); intent != nullptr) {
    streams_[key].intents.insert_or_assign(intent->span_id, Place{&block, index});
  }
}

// Outcomes that overtook their intents are in the store already. Only intents below something that was stored
// before this batch can have been overtaken.
Attempt<void> OpenIntents::forget_stored(Connection& connection, const StreamKey& key, Stream& stream) {
  const auto before = ledger_.find(key);
  if (before == ledger_.end() || before->second.ranges().empty()) return {};
  const std::uint64_t highest = before->second.ranges().back().second.value;
  std::vector<SpanId> overtaken;
  std::uint64_t lowest = UINT64_MAX;
  for (const auto& [span, place] : stream.intents) {
    if (place.sequence() >= highest) continue;
    overtaken.push_back(span);
    lowest = std::min(lowest, place.sequence());
  }
  if (overtaken.empty()) return {};
  auto stored =
      read_all(connection, fmt::format("SELECT span_id FROM transactions WHERE {} AND lane = 'audit' "
                                       "AND seq > {} AND seq <= {} AND span_id IN ({})",
                                       stream_condition(key), lowest, highest, span_list(overtaken)));
  if (!stored) return tl::unexpected(std::move(stored.error()));
  for (const auto& row : stored->rows) {
    const auto bytes = from_hex(row[0].value_or(""));
    const auto span = bytes ? SpanId::from_bytes(*bytes) : std::nullopt;
    if (span) stream.intents.erase(*span);
  }
  return {};
}

Attempt<std::uint64_t> OpenIntents::remove(Connection& connection, const StreamKey& key,
                                           const std::set<SpanId>& outcomes) {
  auto done = connection.query(fmt::format("DELETE FROM open_intents WHERE {} AND span_id IN ({})",
                                           stream_condition(key), span_list(outcomes)));
  if (!done) return tl::unexpected(std::move(done.error()));
  return duckdb_rows_changed(&done->raw());
}

Attempt<void> OpenIntents::insert(Connection& connection) {
  RecordRows rows(connection);
  TableAppender row(connection, "open_intents");
  for (const auto& [key, stream] : streams_) {
    for (const auto& [span, place] : stream.intents) {
      if (!row.begin_row()) break;
      const auto& intent = place.intent();
      row.uuid(intent.flux_id.bytes);
      row.hex(intent.trace_id);
      row.uuid(key.machine_id.bytes);
      row.text_or_null(place.block->rack);
      row.text_or_null(intent.gear);
      row.uint32(key.epoch.value);
      row.uint64(place.sequence());
      row.time(place.block->received);
      row.hex(span);
      row.text(intent.name);
      row.time(intent.time);
      rows.write_attributes(row, intent.attributes);
      row.text_list(intent.redactions);
      row.end_row();
    }
  }
  auto written = row.finish();
  if (!written) return tl::unexpected(std::move(written.error()));
  return {};
}

Attempt<void> OpenIntents::finish(Connection& connection, Counts& changed) {
  bool any = false;
  for (auto& [key, stream] : streams_) {
    for (auto intent = stream.intents.begin(); intent != stream.intents.end();)
      intent = stream.outcomes.erase(intent->first) != 0 ? stream.intents.erase(intent) : std::next(intent);
    const auto known = counts_.find(key);
    std::uint64_t count = known == counts_.end() ? 0 : known->second;
    const std::uint64_t count_before = count;
    if (count != 0 && !stream.outcomes.empty()) {
      auto removed = remove(connection, key, stream.outcomes);
      if (!removed) return tl::unexpected(std::move(removed.error()));
      count -= std::min(count, *removed);
    }
    if (!stream.intents.empty())
      if (auto forgotten = forget_stored(connection, key, stream); !forgotten) return forgotten;
    any = any || !stream.intents.empty();
    count += stream.intents.size();
    if (count != count_before) changed[key] = count;
  }
  return any ? insert(connection) : Attempt<void>{};
}

}  // namespace fluxrig::sink
