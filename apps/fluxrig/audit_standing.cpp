#include "fluxrig/audit_standing.hpp"

#include <fmt/core.h>

#include <boost/json.hpp>

#include "fluxrig/duration.hpp"
#include "fluxrig/table.hpp"
#include "fluxrig/trace_view.hpp"

namespace fluxrig::client {
namespace {

using boost::json::object;

std::string cell(const object& row, std::string_view name, std::string_view absent = "-") {
  const auto* value = row.if_contains(name);
  if (value == nullptr || value->is_null()) return std::string(absent);
  return value->is_string() ? std::string(value->as_string()) : boost::json::serialize(*value);
}

std::string age(const object& row, std::string_view name, UnixNanos now) {
  const auto time = parse_time(cell(row, name));
  return time ? age_text(now.value - *time) + " ago" : "-";
}

// "2026-11-22 14:03:07"
std::string short_time(const object& row, std::string_view name) {
  auto text = cell(row, name).substr(0, 19);
  if (text.size() == 19) text[10] = ' ';
  return text;
}

// " (closed by ana: looked at, harmless)"; nothing for what ended by itself.
std::string closing(const object& alarm) {
  const auto who = cell(alarm, "closed_by", "");
  return who.empty() ? who : fmt::format(" (closed by {}: {})", who, cell(alarm, "close_reason"));
}

template <typename Take>
Outcome<void> each(std::string_view json, std::string_view list_name, Take take) {
  boost::system::error_code error;
  const auto root = boost::json::parse(json, error);
  const auto* list = !error && root.is_object() ? root.as_object().if_contains(list_name) : nullptr;
  if (list == nullptr || !list->is_array())
    return problem("the mixer's answer is not the JSON that was asked for");
  for (const auto& entry : list->as_array())
    if (entry.is_object()) take(entry.as_object());
  return {};
}

}  // namespace

Outcome<std::string> draw_audit_status(std::string_view json, UnixNanos now, const Terminal& terminal) {
  Table table({{"rack"},
               {"state"},
               {"epoch", Align::kRight},
               {"on disk to", Align::kRight},
               {"stored to", Align::kRight},
               {"lag", Align::kRight},
               {"verified to", Align::kRight},
               {"signed to", Align::kRight},
               {"unsigned", Align::kRight},
               {"last checkpoint"},
               {"missing", Align::kRight},
               {"alarms", Align::kRight}});
  const auto read = each(json, "racks", [&](const object& rack) {
    table.add({cell(rack, "rack"), cell(rack, "state"), cell(rack, "epoch"), cell(rack, "on_disk_to"),
               cell(rack, "stored_to"), cell(rack, "lag_records"), cell(rack, "verified_to"),
               cell(rack, "signed_to"), cell(rack, "unsigned_records"), age(rack, "last_checkpoint", now),
               cell(rack, "missing_pieces"), cell(rack, "open_alarms")});
  });
  if (!read) return tl::unexpected(read.error());
  std::string text =
      table.rows() == 0 ? std::string("no rack has sent an audit record yet\n") : table.render(terminal);
  boost::system::error_code error;
  const auto root = boost::json::parse(json, error);
  const auto* store = root.is_object() ? root.as_object().if_contains("store") : nullptr;
  if (store != nullptr && store->is_object() && cell(store->as_object(), "state") == "alarm")
    text += fmt::format("store: alarm: {} open about its files, see 'fluxrig audit alarms --open'\n",
                        printable(cell(store->as_object(), "open_alarms")));
  return text;
}

Outcome<std::string> draw_audit_alarms(std::string_view json, const Terminal& terminal) {
  Table table({{"id", Align::kRight},
               {"rack"},
               {"kind"},
               {"epoch", Align::kRight},
               {"record", Align::kRight},
               {"count", Align::kRight},
               {"raised"},
               {"ended"},
               {"what"}});
  const auto read = each(json, "alarms", [&](const object& alarm) {
    table.add({cell(alarm, "id"), cell(alarm, "rack"), cell(alarm, "kind"), cell(alarm, "epoch"),
               cell(alarm, "first_seq"), cell(alarm, "count"), short_time(alarm, "raised_at"),
               short_time(alarm, "resolved_at"), cell(alarm, "what") + closing(alarm)});
  });
  if (!read) return tl::unexpected(read.error());
  if (table.rows() == 0) return std::string("no alarms\n");
  return table.render(terminal);
}

}  // namespace fluxrig::client
