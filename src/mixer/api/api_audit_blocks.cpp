// The evidence for a verifier: which epochs are stored and how far, and their blocks in chain order, page by
// page.
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <vector>

#include "base/diagnostics.hpp"
#include "cbor/encoder.hpp"
#include "mixer/api/api_audit.hpp"
#include "mixer/api/statement.hpp"
#include "mixer/api/table_output.hpp"

namespace fluxrig::mixer {

// A rack has signed them: what was searched again would no longer be what was signed.
class BlockMaker {
 public:
  static ReplyText of(ByteView blocks) { return {ReplyText::Clean{}, std::string(as_text(blocks))}; }
};
namespace {

constexpr std::uint64_t kBlocksOfPage = 4'000;
// Of the answer of the store, where a block is hex.
constexpr std::uint64_t kBytesOfPage = 32U << 20;

template <typename T>
bool parse_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

// Where a page begins: the sequence, and how many blocks that begin there were given already.
struct Cursor {
  std::uint64_t first = 0;
  std::uint64_t given = 0;
};

std::optional<Cursor> parse_cursor(std::string_view text) {
  Cursor cursor;
  const auto middle = text.find('~');
  if (middle == std::string_view::npos || !parse_number(text.substr(0, middle), cursor.first) ||
      !parse_number(text.substr(middle + 1), cursor.given) || cursor.given > 1'000'000)
    return std::nullopt;
  return cursor;
}

using Row = std::vector<std::optional<std::string>>;  // first_seq, count, hash, previous, bytes

// Blocks without records that stand at one place come in the order of their times; their hashes know better.
void order_by_chain(std::vector<Row>::iterator begin, std::vector<Row>::iterator end) {
  std::map<std::string, std::vector<Row>::iterator> by_previous;
  std::set<std::string> hashes;
  for (auto row = begin; row != end; ++row) {
    by_previous.emplace((*row)[3].value_or(""), row);
    hashes.insert((*row)[2].value_or(""));
  }
  std::vector<Row> ordered;
  std::set<std::string> taken;
  const auto follow = [&](std::vector<Row>::iterator row) {
    while (taken.insert((*row)[2].value_or("")).second) {
      ordered.push_back(*row);
      const auto next = by_previous.find((*row)[2].value_or(""));
      if (next == by_previous.end()) return;
      row = next->second;
    }
  };
  for (auto row = begin; row != end; ++row)
    if (!hashes.contains((*row)[3].value_or(""))) follow(row);
  // What is left (a block that stands twice) keeps its order: the verifier is to see it.
  for (auto row = begin; row != end; ++row) {
    const auto listed =
        std::count_if(ordered.begin(), ordered.end(), [&](const Row& one) { return one == *row; });
    const auto there = std::count_if(begin, end, [&](const Row& one) { return one == *row; });
    if (listed < there) ordered.push_back(*row);
  }
  std::move(ordered.begin(), ordered.end(), begin);
}

void order_page(std::vector<Row>& rows) {
  for (auto begin = rows.begin(); begin != rows.end();) {
    auto end = std::find_if(begin, rows.end(),
                            [&](const Row& row) { return row[0] != (*begin)[0] || row[1] != (*begin)[1]; });
    if (end - begin > 1) order_by_chain(begin, end);
    begin = end;
  }
}

ApiResponse page_of(std::vector<Row> rows, const Cursor& from, bool more) {
  std::string next;
  if (more && !rows.empty()) {
    Cursor cursor;
    (void)parse_number(rows.back()[0].value_or("0"), cursor.first);
    cursor.given = static_cast<std::uint64_t>(
        std::count_if(rows.begin(), rows.end(), [&](const Row& row) { return row[0] == rows.back()[0]; }));
    if (cursor.first == from.first) cursor.given += from.given;
    next = fmt::format("{}~{}", cursor.first, cursor.given);
  }
  order_page(rows);
  Bytes bytes;
  cbor::Encoder encoder(bytes);
  encoder.text(next);
  for (const auto& row : rows)
    if (const auto block = from_hex(row[4].value_or(""))) encoder.bytes(*block);
  ApiResponse response;
  response.content_type = "application/cbor-seq";
  response.body = BlockMaker::of(bytes);
  return response;
}

}  // namespace

ApiResponse audit_blocks(const ApiParts& parts, const ApiRequest& request) {
  const auto machine = parse_uuid(request.parameter("machine_id").value_or(""));
  std::uint32_t epoch = 0;
  if (!machine || !parse_number(request.parameter("epoch").value_or(""), epoch))
    return problem_response(400, "give machine_id and epoch; /api/v1/audit/heads lists them");
  Cursor from;
  std::uint64_t last = INT64_MAX;
  if (const auto text = request.parameter("from"); text && !parse_number(*text, from.first))
    return problem_response(400, "'from' is no sequence");
  if (const auto text = request.parameter("to"); text && !parse_number(*text, last))
    return problem_response(400, "'to' is no sequence");
  if (const auto text = request.parameter("cursor")) {
    const auto cursor = parse_cursor(*text);
    if (!cursor) return problem_response(400, "'cursor' is none that this mixer gave");
    from = *cursor;
  }
  const auto of_epoch = fmt::format("machine_id = '{}' AND epoch = {} AND first_seq BETWEEN {} AND",
                                    to_uuid(*machine), epoch, from.first);
  // First only sequences, so that the blocks themselves are read of these rows and not of the whole epoch.
  const auto bound = parts.queries.select(
      fmt::format("SELECT max(first_seq) FROM (SELECT first_seq FROM audit_blocks WHERE {} {} ORDER BY "
                  "first_seq LIMIT {})",
                  of_epoch, last, from.given + kBlocksOfPage + 1),
      {}, sink::QueryLimits{});
  if (!bound) return problem_response(503, bound.error().message);
  if (bound->rows.empty() || !bound->rows[0][0]) return page_of({}, from, false);
  auto table = parts.queries.select(
      fmt::format("SELECT first_seq, count, hash, previous, bytes FROM audit_blocks WHERE {} {} ORDER BY "
                  "first_seq, count > 0, time, hash LIMIT {} OFFSET {}",
                  of_epoch, *bound->rows[0][0], kBlocksOfPage + 1, from.given),
      {}, {.rows = kBlocksOfPage + 1, .bytes = kBytesOfPage, .time_ms = 30'000});
  if (!table) return problem_response(503, table.error().message);
  bool more = table->truncated;
  if (table->rows.size() > kBlocksOfPage) {
    table->rows.pop_back();
    more = true;
  }
  return page_of(std::move(table->rows), from, more);
}

// Of each epoch: what is stored of it, and what the watch and retention say should be.
ApiResponse audit_heads(const ApiParts& parts, const ApiRequest& request) {
  Statement statement;
  for (const auto& [name, value] : request.query) {
    if (name == "rack") {
      statement.where("rack = " + statement.bind(value));
    } else if (name == "since" || name == "until") {
      const auto bound = parse_time(value, parts.clock.now());
      if (!bound)
        return problem_response(
            400, fmt::format("'{}' is no time; write 2026-11-22T14:03:07Z, or an age such as 15m", name));
      statement.where(fmt::format("time {} make_timestamp_ns(CAST({} AS BIGINT))",
                                  name == "since" ? ">=" : "<",
                                  statement.bind(std::to_string(bound->value))));
    } else {
      return problem_response(400, "heads knows the parameters rack, since and until");
    }
  }
  const auto blocks = statement.text(
      "machine_id, epoch, max(rack) AS rack, count(*) AS blocks, sum(count) AS records, min(first_seq) AS "
      "first_seq, max(first_seq) AS last_first_seq",
      "audit_blocks", "GROUP BY machine_id, epoch");
  // An epoch of which everything is gone still has its head: so the outer join.
  const auto known = request.parameter("rack")
                         ? fmt::format(" WHERE rack = {}", statement.bind(*request.parameter("rack")))
                         : std::string();
  const bool all = !request.parameter("since") && !request.parameter("until");
  const auto sql = fmt::format(
      "WITH b AS ({}), h AS (SELECT machine_id, epoch, max(rack) AS rack, max(next_seq) AS next_seq, "
      "arg_max(head, piece) AS head, arg_min(before, piece) AS before FROM audit_heads{} GROUP BY "
      "machine_id, epoch) "
      "SELECT CAST(coalesce(b.machine_id, h.machine_id) AS VARCHAR) AS machine_id, coalesce(b.rack, h.rack) "
      "AS "
      "rack, coalesce(b.epoch, h.epoch) AS epoch, coalesce(b.blocks, 0) AS blocks, coalesce(b.records, "
      "0)::UBIGINT AS records, b.first_seq, b.last_first_seq, h.next_seq, h.head, h.before, r.next_seq AS "
      "retired_next, "
      "(SELECT arg_max(k.public_key, k.from_epoch) FROM audit_keys k WHERE k.machine_id = "
      "coalesce(b.machine_id, h.machine_id) AND k.from_epoch <= coalesce(b.epoch, h.epoch)) AS public_key "
      "FROM b {} JOIN h ON b.machine_id = h.machine_id AND b.epoch = h.epoch LEFT JOIN "
      "audit_retired r ON r.machine_id = coalesce(b.machine_id, h.machine_id) AND r.epoch = "
      "coalesce(b.epoch, "
      "h.epoch) ORDER BY 1, 3",
      blocks, known, all ? "FULL OUTER" : "LEFT");
  const auto table = parts.queries.select(sql, statement.parameters(),
                                          {.rows = 100'000, .bytes = 64U << 20, .time_ms = 30'000});
  if (!table) return problem_response(503, table.error().message);
  ApiResponse response;
  response.body = ReplyText::format("{{\"epochs\":{},\"truncated\":{}}}\n",
                                    rows_as_objects(*table, table->columns.size()), table->truncated);
  return response;
}

}  // namespace fluxrig::mixer
