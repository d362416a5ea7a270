#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <chrono>

#include "base/clock.hpp"
#include "fluxrig/trace_view.hpp"

namespace fluxrig::client {
namespace {

using boost::json::object;

std::string text_of(const object& row, std::string_view name) {
  const auto* value = row.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::int64_t number_of(const object& row, std::string_view name) {
  const auto* value = row.if_contains(name);
  if (value == nullptr) return 0;
  if (value->is_int64()) return value->as_int64();
  if (value->is_uint64()) return static_cast<std::int64_t>(value->as_uint64() & INT64_MAX);
  return 0;
}

// Bounded, so that sums of times and durations cannot overflow.
std::int64_t duration_of(const object& row) {
  constexpr std::int64_t kMost = 366 * 86'400 * kNanosPerSecond;
  return std::clamp<std::int64_t>(number_of(row, "duration_ns"), 0, kMost);
}

std::int64_t time_of(const object& row, std::string_view name) {
  return parse_time(text_of(row, name)).value_or(0);
}

template <typename Take>
void each_row(const object& root, std::string_view name, Take take) {
  const auto* list = root.if_contains(name);
  if (list == nullptr || !list->is_array()) return;
  for (const auto& row : list->as_array())
    if (row.is_object()) take(row.as_object());
}

std::string plain(const boost::json::value& value) {
  return value.is_string() ? std::string(value.as_string()) : boost::json::serialize(value);
}

SpanView span_of(const object& row) {
  SpanView span;
  span.rack = text_of(row, "rack");
  span.gear = text_of(row, "gear");
  span.name = text_of(row, "name");
  span.span_id = text_of(row, "span_id");
  span.parent_span_id = text_of(row, "parent_span_id");
  span.status = text_of(row, "status");
  span.status_message = text_of(row, "status_message");
  const auto* root = row.if_contains("is_root");
  span.root = root != nullptr && root->is_bool() && root->as_bool();
  span.start = time_of(row, "start_time");
  span.duration = duration_of(row);
  const auto* attributes = row.if_contains("attributes");
  if (attributes != nullptr && attributes->is_object())
    for (const auto& entry : attributes->as_object())
      span.attributes.emplace_back(std::string(entry.key()), plain(entry.value()));
  span.received = span.rack.empty();
  if (span.received)
    for (const auto& [key, value] : span.attributes)
      if (key == "service.name") span.rack = value;
  return span;
}

TransactionView transaction_of(const object& row) {
  TransactionView view;
  view.flux_id = text_of(row, "flux_id");
  view.trace_id = text_of(row, "trace_id");
  view.machine_id = text_of(row, "machine_id");
  view.rack = text_of(row, "rack");
  view.gear = text_of(row, "gear");
  view.name = text_of(row, "name");
  view.span_id = text_of(row, "span_id");
  view.parent_span_id = text_of(row, "parent_span_id");
  view.outcome = text_of(row, "outcome");
  view.reason = text_of(row, "reason");
  view.start_text = text_of(row, "start_time");
  view.start = time_of(row, "start_time");
  view.duration = duration_of(row);
  view.child_spans = static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_of(row, "child_spans")));
  const auto* redactions = row.if_contains("redactions");
  if (redactions != nullptr && redactions->is_array())
    for (const auto& redaction : redactions->as_array()) view.redactions.push_back(plain(redaction));
  return view;
}

LogView log_of(const object& row) {
  return {text_of(row, "rack"),       text_of(row, "gear"), text_of(row, "severity_text"),
          text_of(row, "event_name"), text_of(row, "body"), time_of(row, "time")};
}

AuditView audit_of(const object& row) {
  const auto* verified = row.if_contains("chain_verified");
  return {text_of(row, "flux_id"),
          text_of(row, "rack"),
          text_of(row, "lane"),
          static_cast<std::uint64_t>(number_of(row, "epoch")),
          static_cast<std::uint64_t>(number_of(row, "seq")),
          text_of(row, "stored_at"),
          time_of(row, "answered_at"),
          time_of(row, "stored_at"),
          verified != nullptr && verified->is_bool() ? std::optional(verified->as_bool()) : std::nullopt,
          static_cast<std::uint64_t>(number_of(row, "checkpoint"))};
}

// `count` digits at `at`; -1 for anything else.
int digits_at(std::string_view text, std::size_t at, std::size_t count) {
  int value = -1;
  if (text.size() < at + count) return -1;
  const auto* begin = text.data() + at;
  const auto [end, error] = std::from_chars(begin, begin + count, value);
  return error == std::errc{} && end == begin + count ? value : -1;
}

}  // namespace

std::optional<std::int64_t> parse_time(std::string_view text) {
  // "2026-11-22T14:03:07.412000000Z"
  const int year = digits_at(text, 0, 4);
  const int month = digits_at(text, 5, 2);
  const int day = digits_at(text, 8, 2);
  const int hour = digits_at(text, 11, 2);
  const int minute = digits_at(text, 14, 2);
  const int second = digits_at(text, 17, 2);
  if (year < 1970 || year > 2200 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
      minute < 0 || minute > 59 || second < 0 || second > 60)
    return std::nullopt;
  const auto date = std::chrono::year(year) / month / day;
  if (!date.ok()) return std::nullopt;
  std::int64_t nanos = 0;
  std::size_t at = 19;
  if (at < text.size() && text[at] == '.') {
    std::int64_t unit = kNanosPerSecond / 10;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10)
      nanos += (text[at] - '0') * unit;
  }
  if (at != text.size() && text.substr(at) != "Z") return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return (days * 86'400 + hour * 3600 + minute * 60 + second) * kNanosPerSecond + nanos;
}

Outcome<TraceView> parse_trace(std::string_view json) {
  boost::system::error_code error;
  const auto value = boost::json::parse(json, error);
  if (error || !value.is_object()) return problem("the mixer's answer is not the JSON that was asked for");
  const auto& root = value.as_object();
  TraceView view;
  view.id = text_of(root, "id");
  view.matched_by = text_of(root, "matched_by");
  each_row(root, "transactions",
           [&](const object& row) { view.transactions.push_back(transaction_of(row)); });
  each_row(root, "spans", [&](const object& row) { view.spans.push_back(span_of(row)); });
  each_row(root, "logs", [&](const object& row) { view.logs.push_back(log_of(row)); });
  each_row(root, "audit", [&](const object& row) { view.audit.push_back(audit_of(row)); });
  return view;
}

}  // namespace fluxrig::client
