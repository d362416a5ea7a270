#include "bench/store/hour_rows.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fluxrig::bench {
namespace {

// Transactions of one statement: fewer rows than DuckDB compresses at once, since most go to Parquet before
// they are ever in its file.
constexpr std::uint64_t kAtATime = 25'000;
constexpr std::uint64_t kOfBlock = 16;

// What a transaction and its child spans have in common, from its number `i`.
std::string common(const HourOfRows& hour, std::string_view gear, std::string_view lane,
                   std::string_view seq) {
  return fmt::format(
      "make_timestamp({0}::BIGINT), CAST(format('{{:012x}}7{{:03x}}8{{:015x}}', (ns // 1000000)::BIGINT, "
      "(hash(i) % 4096)::BIGINT, (hash(i + 1) >> 4)::BIGINT) AS UUID), format('{{:016x}}{{:016x}}', "
      "hash(i * 7 + 3), hash(i * 11 + 5)), '{1}'::UUID, 'edge', {2}, '{3}', 1, {4}, make_timestamp_ns(ns + "
      "300000000)",
      hour.start_micros, kMachine, gear, lane, seq);
}

std::string numbers(const HourOfRows& hour, std::uint64_t from, std::uint64_t to) {
  return fmt::format(
      "(SELECT i, {0}::BIGINT * 1000 + (i - {1}) * {2} AS ns, (800000 + hash(i) % 6000000 + CASE WHEN hash(i "
      "+ "
      "9) % 100 = 0 THEN hash(i) % 200000000 ELSE 0 END)::BIGINT AS took FROM range({3}, {4}) AS r(i))",
      hour.start_micros, hour.first, hour.apart_nanos, hour.first + from, hour.first + to);
}

std::string transactions(const HourOfRows& hour, const std::string& source) {
  return fmt::format(
      "INSERT INTO hot_transactions SELECT {}, format('{{:016x}}', hash(i * 4)), format('{{:016x}}', hash(i "
      "* 4 "
      "+ 7)), 1, NULL, 'POST /authorize', 'server', make_timestamp_ns(ns), make_timestamp_ns(ns + took), "
      "took, "
      "CASE WHEN hash(i + 2) % 50 = 0 THEN 'failed' ELSE 'answered' END, CASE WHEN hash(i + 2) % 50 = 0 THEN "
      "'declined' END, MAP {{'http.request.method': 'POST', 'http.route': '/authorize', "
      "'http.response.status_code': '200', 'iso8583.2': format('tok_k1_{{:012x}}', hash(i % 500000) >> 16), "
      "'iso8583.4': lpad((hash(i + 4) % 100000)::VARCHAR, 12, '0'), 'iso8583.11': lpad((i % "
      "1000000)::VARCHAR, 6, '0'), 'iso8583.37': lpad(i::VARCHAR, 12, '0'), 'iso8583.41': 'TERM' || (hash(i "
      "+ "
      "5) % 2000)}}, ['iso8583.2 token'], 3 FROM {};",
      common(hour, "'shop'", "audit", "i + 1"), source);
}

std::string child_spans(const HourOfRows& hour, const std::string& source) {
  return fmt::format(
      "INSERT INTO hot_child_spans SELECT {}, format('{{:016x}}', hash(i * 4 + k)), format('{{:016x}}', "
      "hash(i * "
      "4)), ['map', 'encode 0200', '0200 -> 0210'][k], CASE WHEN k = 3 THEN 'client' ELSE 'internal' END, "
      "make_timestamp_ns(ns + k * 20000), make_timestamp_ns(ns + k * 20000 + own), own, 'unset', NULL, MAP "
      "{{'messaging.message.body.size': (100 + hash(i) % 200)::VARCHAR, 'network.peer.port': '8583'}} FROM "
      "(SELECT *, CASE WHEN k = 3 THEN took - 100000 ELSE 5000 + hash(i + k) % 30000 END::BIGINT AS own FROM "
      "{}, "
      "range(1, 4) AS c(k));",
      common(hour, "['to_iso', 'codec', 'bank'][k]", "telemetry", "i * 3 + k"), source);
}

// Without the bytes: no query reads them, and they would be most of the store.
std::string audit_blocks(const HourOfRows& hour) {
  const auto blocks = (hour.count + kOfBlock - 1) / kOfBlock;
  const auto row = [&](std::string_view first, std::string_view count, std::string_view kind,
                       std::string_view hash) {
    return fmt::format(
        "make_timestamp({0}::BIGINT), '{1}'::UUID, 'edge', 1, {2} + 1, {3}, '{4}', "
        "make_timestamp_ns({0}::BIGINT * "
        "1000 + ({2} - {5}) * {6}), unhex(md5({7}) || md5({7} || 'b')), unhex(md5({7} || 'c') || md5({7} || "
        "'d')), 'x'::BLOB, make_timestamp_ns({0}::BIGINT * 1000 + ({2} - {5}) * {6} + 300000000)",
        hour.start_micros, kMachine, first, count, kind, hour.first, hour.apart_nanos, hash);
  };
  const auto of_checkpoint =
      std::max<std::int64_t>(5 * kNanosPerSecond / std::max<std::int64_t>(hour.apart_nanos, 1), 1);
  return fmt::format(
      "INSERT INTO hot_audit_blocks SELECT {} FROM range({}) AS r(b);INSERT INTO hot_audit_blocks SELECT {} "
      "FROM "
      "range({}, {}, {}) AS r(f);",
      row(fmt::format("({} + b * {})", hour.first, kOfBlock), std::to_string(kOfBlock), "records",
          fmt::format("({} + b)::VARCHAR", hour.first)),
      blocks, row("f", "0", "checkpoint", "('c' || f)"),
      hour.first + static_cast<std::uint64_t>(of_checkpoint), hour.first + hour.count, of_checkpoint);
}

}  // namespace

std::vector<std::string> HourOfRows::insert_sql() const {
  std::vector<std::string> statements;
  for (std::uint64_t from = 0; from < count; from += kAtATime) {
    const auto source = numbers(*this, from, std::min(from + kAtATime, count));
    statements.push_back(transactions(*this, source));
    statements.push_back(child_spans(*this, source));
  }
  statements.push_back(audit_blocks(*this));
  return statements;
}

std::string standing_sql(const Standing& standing) {
  const auto now = fmt::format("make_timestamp_ns({}::BIGINT)", standing.now.value);
  const auto end = standing.transactions + 1;
  return fmt::format(
      "INSERT INTO ledger VALUES ('{0}', 'audit', 1, 1, {1}), ('{0}', 'telemetry', 1, 1, {2});"
      "INSERT INTO racks VALUES ('{0}', 'edge', '0.1.0', 1, {3}, {3}, '{{}}');"
      "INSERT INTO audit_heads VALUES ('{0}', 1, 0, 'edge', 1, {4}, repeat('0', 64), repeat('1', 64), {3}, "
      "false, "
      "1, repeat('0', 64), repeat('0', 64), {4}, {3}, '{{}}');",
      kMachine, standing.transactions, 3 * standing.transactions, now, end);
}

}  // namespace fluxrig::bench
