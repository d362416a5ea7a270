#include "fluxrig/ledger_view.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "fluxrig/table.hpp"

namespace fluxrig::client {
namespace {

using boost::json::object;
using boost::json::value;

std::string text_at(const object& entry, std::string_view name) {
  const auto* member = entry.if_contains(name);
  return member != nullptr && member->is_string() ? std::string(member->as_string()) : "";
}

std::optional<std::int64_t> number_of(const value& one) {
  boost::json::error_code wrong;
  const auto number = one.to_number<std::int64_t>(wrong);
  return wrong ? std::nullopt : std::optional(number);
}

std::optional<std::int64_t> number_at(const object& entry, std::string_view name) {
  const auto* member = entry.if_contains(name);
  return member == nullptr ? std::nullopt : number_of(*member);
}

// Worst last: what a line of several epochs is called.
constexpr std::array<std::string_view, 5> kStates = {"final", "closed", "running", "uncounted", "unfinished"};
std::size_t rank_of(std::string_view state) {
  return static_cast<std::size_t>(std::find(kStates.begin(), kStates.end(), state) - kStates.begin());
}

struct Line {
  std::int64_t produced = 0;
  std::int64_t stored = 0;
  std::map<std::string, std::int64_t> dropped;
  std::int64_t waiting = 0;
  std::int64_t unaccounted = 0;
  bool known = true;  // what is not accounted for
  std::size_t state = 0;
  std::vector<std::int64_t> unfinished;  // epochs
};

void add(const object& entry, Line& line) {
  line.produced += number_at(entry, "produced").value_or(0);
  line.stored += number_at(entry, "stored").value_or(0);
  line.waiting += number_at(entry, "waiting").value_or(0);
  if (const auto* dropped = entry.if_contains("dropped"); dropped != nullptr && dropped->is_object())
    for (const auto& [cause, count] : dropped->as_object())
      line.dropped[std::string(cause)] += number_of(count).value_or(0);
  const auto unaccounted = number_at(entry, "unaccounted");
  line.known = line.known && unaccounted.has_value();
  line.unaccounted += unaccounted.value_or(0);
  const auto state = text_at(entry, "state");
  line.state = std::max(line.state, rank_of(state));
  if (state == "unfinished") line.unfinished.push_back(number_at(entry, "epoch").value_or(0));
}

std::string dropped_text(const Line& line) {
  std::int64_t total = 0;
  std::string causes;
  for (const auto& [cause, count] : line.dropped) {
    total += count;
    causes += fmt::format("{}{} {}", causes.empty() ? "" : ", ", cause, count);
  }
  return causes.empty() ? "0" : fmt::format("{} ({})", total, causes);
}

std::string state_text(const Line& line) {
  if (line.unfinished.empty()) return line.state < kStates.size() ? std::string(kStates[line.state]) : "?";
  std::string epochs;
  for (const auto epoch : line.unfinished) epochs += fmt::format("{}{}", epochs.empty() ? "" : ", ", epoch);
  return fmt::format("epoch {} ended without its last statement", epochs);
}

// "2026-11-28 14:00"
std::string hour_text(std::string hour) {
  hour = hour.substr(0, 16);
  if (hour.size() == 16) hour[10] = ' ';
  return hour;
}

}  // namespace

Outcome<LedgerView> draw_ledger(std::string_view json, const Terminal& terminal) {
  boost::system::error_code error;
  const value root = boost::json::parse(json, error);
  const auto* list = error || !root.is_object() ? nullptr : root.as_object().if_contains("ledger");
  if (list == nullptr || !list->is_array())
    return problem("the mixer's answer is not the JSON that was asked for");
  std::map<std::tuple<std::string, std::string, std::string>, Line> lines;
  for (const auto& one : list->as_array()) {
    if (!one.is_object()) continue;
    const auto& entry = one.as_object();
    add(entry, lines[{text_at(entry, "rack"), text_at(entry, "hour"), text_at(entry, "signal")}]);
  }
  Table table({{"rack"},
               {"hour (UTC)"},
               {"signal"},
               {"produced", Align::kRight},
               {"stored", Align::kRight},
               {"waiting", Align::kRight},
               {"unaccounted", Align::kRight},
               {"state"},
               {"dropped"}});
  for (const auto& [place, line] : lines) {
    const auto& [rack, hour, signal] = place;
    table.add({rack, hour_text(hour), signal, std::to_string(line.produced), std::to_string(line.stored),
               std::to_string(line.waiting), line.known ? std::to_string(line.unaccounted) : "unknown",
               state_text(line), dropped_text(line)});
  }
  const auto is_true = [&](std::string_view name) {
    const auto* member = root.as_object().if_contains(name);
    return member != nullptr && member->is_bool() && member->as_bool();
  };
  LedgerView view{table.rows() == 0 ? "no rack has sent telemetry in that time\n" : table.render(terminal),
                  is_true("exact") && !is_true("truncated")};
  if (is_true("truncated")) view.text += "there is more: narrow with RACK, --hour or --since\n";
  if (table.rows() != 0)
    view.text += view.exact ? "exact: produced = stored + dropped + waiting\n" : "not exact\n";
  return view;
}

}  // namespace fluxrig::client
