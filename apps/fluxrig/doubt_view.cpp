#include <fmt/core.h>

#include <algorithm>
#include <boost/json.hpp>

#include "fluxrig/doubt.hpp"
#include "fluxrig/table.hpp"

namespace fluxrig::client {
namespace {

using boost::json::object;
using boost::json::value;

std::string text_at(const object& entry, std::string_view name) {
  const auto* member = entry.if_contains(name);
  if (member == nullptr || member->is_null()) return "-";
  return member->is_string() ? std::string(member->as_string()) : boost::json::serialize(*member);
}

// What a reversal is made of comes first: the fields of the business message.
std::string attributes_of(const object& entry) {
  const auto* member = entry.if_contains("attributes");
  if (member == nullptr || !member->is_object()) return {};
  std::vector<std::string> parts;
  for (const auto& [key, one] : member->as_object())
    parts.push_back(
        fmt::format("{}={}", std::string_view(key),
                    one.is_string() ? std::string(one.as_string()) : boost::json::serialize(one)));
  std::stable_partition(parts.begin(), parts.end(),
                        [](const std::string& part) { return part.starts_with("iso8583."); });
  std::string out;
  for (const auto& part : parts) out += (out.empty() ? "" : " ") + part;
  return out;
}

std::string place_of(const object& entry) {
  return fmt::format("{} #{}", text_at(entry, "epoch"), text_at(entry, "sequence"));
}

std::string short_time(const std::string& time) {
  return time.size() < 23 ? time : time.substr(0, 10) + " " + time.substr(11, 12);
}

}  // namespace

Outcome<DoubtView> draw_doubt(std::string_view json, const Terminal& terminal) {
  boost::system::error_code error;
  const value root = boost::json::parse(json, error);
  const auto* list = error || !root.is_object() ? nullptr : root.as_object().if_contains("doubt");
  if (list == nullptr || !list->is_array()) return problem("the answer is not the JSON that was asked for");
  Table table({{"time (UTC)"},
               {"rack"},
               {"state"},
               {"flux_id"},
               {"record", Align::kRight},
               {"gear"},
               {"name"},
               {"attributes"}});
  DoubtView view;
  for (const auto& one : list->as_array()) {
    if (!one.is_object()) continue;
    const auto& entry = one.as_object();
    const auto state = text_at(entry, "state");
    if (state != "in_flight") ++view.unsettled;
    table.add({short_time(text_at(entry, "time")), text_at(entry, "rack"), state, text_at(entry, "flux_id"),
               place_of(entry), text_at(entry, "gear"), text_at(entry, "name"), attributes_of(entry)});
  }
  if (table.rows() != 0) view.text = table.render(terminal);
  const auto* truncated = root.as_object().if_contains("truncated");
  const bool more = truncated != nullptr && truncated->is_bool() && truncated->as_bool();
  if (view.unsettled == 0 && !more) {
    view.text += "no transaction is in doubt\n";
  } else if (view.unsettled != 0) {
    view.text += fmt::format(
        "{}{} transaction{} left the rack, or {} about to, and {} no outcome: reverse or confirm {}\n",
        more ? "the oldest " : "", view.unsettled, view.unsettled == 1 ? "" : "s",
        view.unsettled == 1 ? "was" : "were", view.unsettled == 1 ? "has" : "have",
        view.unsettled == 1 ? "it" : "them");
  }
  if (more)
    view.text += fmt::format("there are more: these are the oldest {}; settle them, or narrow with --rack\n",
                             list->as_array().size());
  return view;
}

}  // namespace fluxrig::client
