#include "fluxrig/api_views.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <boost/json.hpp>

#include "fluxrig/duration.hpp"
#include "fluxrig/table.hpp"
#include "fluxrig/trace_view.hpp"

namespace fluxrig::client {
namespace {

using boost::json::object;
using boost::json::value;

std::optional<value> parse(std::string_view json) {
  boost::system::error_code error;
  auto parsed = boost::json::parse(json, error);
  if (error || !parsed.is_object()) return std::nullopt;
  return parsed;
}

tl::unexpected<Problem> not_asked_for() {
  return problem("the mixer's answer is not the JSON that was asked for");
}

// The member at "a.b.c"; null when there is none.
const value* at(const object& root, std::string_view path) {
  const object* level = &root;
  for (;;) {
    const auto dot = path.find('.');
    const auto* member = level->if_contains(path.substr(0, dot));
    if (dot == std::string_view::npos || member == nullptr) return member;
    if (!member->is_object()) return nullptr;
    level = &member->as_object();
    path.remove_prefix(dot + 1);
  }
}

std::string cell_of(const value* member, std::string_view absent = "-") {
  if (member == nullptr || member->is_null()) return std::string(absent);
  return member->is_string() ? std::string(member->as_string()) : boost::json::serialize(*member);
}

std::optional<double> number_at(const object& root, std::string_view path) {
  const auto* member = at(root, path);
  if (member == nullptr || !member->is_number()) return std::nullopt;
  return member->to_number<double>();
}

std::optional<std::int64_t> time_at(const object& root, std::string_view path) {
  return parse_time(cell_of(at(root, path)));
}

std::string records_behind(const object& rack) {
  if (const auto lag = number_at(rack, "audit.lag_records")) return fmt::format("{:.0f}", *lag);
  const auto sent = number_at(rack, "status.audit.sent");
  const auto receipted = number_at(rack, "status.audit.receipted");
  // What was sent twice is counted twice: then the difference says nothing.
  if (number_at(rack, "status.audit.resends").value_or(0) != 0) return "-";
  return sent && receipted ? fmt::format("{:.0f}", std::max(0.0, *sent - *receipted)) : "-";
}

// "divert (mixer)": the state, and its cause when there is one.
std::string pressure_of(const object& rack) {
  const auto state = cell_of(at(rack, "pressure.state"));
  const auto cause = cell_of(at(rack, "pressure.cause"), "");
  return cause.empty() || cause == "none" ? state : fmt::format("{} ({})", state, cause);
}

// "-" for nothing as well: most racks have none.
std::string bytes_of(const object& rack, std::string_view path, std::string_view unit) {
  const auto bytes = number_at(rack, path).value_or(0);
  if (bytes <= 0) return "-";
  if (bytes < 1e6) return fmt::format("{:.1f} kB{}", bytes / 1e3, unit);
  return bytes < 1e9 ? fmt::format("{:.1f} MB{}", bytes / 1e6, unit)
                     : fmt::format("{:.1f} GB{}", bytes / 1e9, unit);
}

std::string time_left_of(const object& rack) {
  const auto seconds = number_at(rack, "pressure.seconds_left");
  if (!seconds || number_at(rack, "pressure.backlog_bytes").value_or(0) <= 0) return "-";
  return age_text(static_cast<std::int64_t>(std::clamp(*seconds, 0.0, 9e8) * 1e9));
}

std::string memory_of(const object& rack) {
  const auto bytes = number_at(rack, "status.process.resident_bytes");
  return bytes ? fmt::format("{:.1f} MB", *bytes / 1e6) : "-";
}

// The mean over the rack's life: the heartbeat carries the sum.
std::string cpu_of(const object& rack) {
  const auto micros = number_at(rack, "status.process.cpu_us");
  const auto started = time_at(rack, "started");
  const auto seen = time_at(rack, "last_seen");
  if (!micros || !started || !seen || *seen <= *started) return "-";
  return fmt::format("{:.2f} %", 100 * *micros * 1e3 / static_cast<double>(*seen - *started));
}

// Nobody who looks at the racks overlooks that one of them tells more than it should.
std::string debug_banner(const object& rack, UnixNanos now, const Terminal& terminal) {
  const auto until = number_at(rack, "status.debug_until");
  if (!until || *until <= static_cast<double>(now.value)) return {};
  const auto line =
      fmt::format("DEBUG: rack {} writes debug diagnostics until {}Z ('fluxrig rack debug {} off' ends it)",
                  cell_of(at(rack, "rack")), to_rfc3339({static_cast<std::int64_t>(*until)}).substr(0, 19),
                  cell_of(at(rack, "rack")));
  return paint(terminal, Colour::kRed, line) + "\n";
}

bool is_number(std::string_view type) noexcept {
  for (const std::string_view part : {"INT", "DOUBLE", "FLOAT", "DECIMAL"})
    if (type.find(part) != std::string_view::npos && type.find('[') == std::string_view::npos) return true;
  return false;
}

}  // namespace

Outcome<std::string> draw_racks(std::string_view json, UnixNanos now, const Terminal& terminal) {
  const auto root = parse(json);
  const auto* list = root ? root->as_object().if_contains("racks") : nullptr;
  if (list == nullptr || !list->is_array()) return not_asked_for();
  Table table({{"rack"},
               {"state"},
               {"pressure"},
               {"last seen"},
               {"version"},
               {"epoch", Align::kRight},
               {"stored", Align::kRight},
               {"behind", Align::kRight},
               {"backlog", Align::kRight},
               {"rate", Align::kRight},
               {"left", Align::kRight},
               {"spool", Align::kRight},
               {"audit"},
               {"memory", Align::kRight},
               {"cpu", Align::kRight},
               {"machine_id"}});
  std::string banners;
  for (const auto& entry : list->as_array()) {
    if (!entry.is_object()) continue;
    const auto& rack = entry.as_object();
    const auto seen = time_at(rack, "last_seen");
    banners += debug_banner(rack, now, terminal);
    table.add({cell_of(at(rack, "rack")), cell_of(at(rack, "state")), pressure_of(rack),
               seen ? age_text(now.value - *seen) + " ago" : "-", cell_of(at(rack, "version")),
               cell_of(at(rack, "epoch")), cell_of(at(rack, "audit.stored_sequence")), records_behind(rack),
               bytes_of(rack, "pressure.backlog_bytes", ""),
               bytes_of(rack, "pressure.replay_bytes_per_s", "/s"), time_left_of(rack),
               cell_of(at(rack, "pressure.spool_messages")), cell_of(at(rack, "audit_state")),
               memory_of(rack), cpu_of(rack), cell_of(at(rack, "machine_id"))});
  }
  if (table.rows() == 0)
    return std::string("no rack has a certificate yet; 'fluxrig pki issue DIR --rack NAME' makes one\n");
  return banners + table.render(terminal);
}

Outcome<std::string> draw_query(std::string_view json, const Terminal& terminal) {
  const auto root = parse(json);
  const auto* columns = root ? root->as_object().if_contains("columns") : nullptr;
  const auto* rows = root ? root->as_object().if_contains("rows") : nullptr;
  if (columns == nullptr || !columns->is_array() || rows == nullptr || !rows->is_array())
    return not_asked_for();
  std::vector<Table::Column> heads;
  for (const auto& column : columns->as_array()) {
    if (!column.is_object()) return not_asked_for();
    heads.push_back({cell_of(at(column.as_object(), "name")),
                     is_number(cell_of(at(column.as_object(), "type"))) ? Align::kRight : Align::kLeft});
  }
  Table table(std::move(heads));
  for (const auto& row : rows->as_array()) {
    if (!row.is_array()) return not_asked_for();
    std::vector<std::string> cells;
    for (const auto& value : row.as_array()) cells.push_back(cell_of(&value, "NULL"));
    table.add(std::move(cells));
  }
  const auto* truncated = root->as_object().if_contains("truncated");
  const bool more = truncated != nullptr && truncated->is_bool() && truncated->as_bool();
  return table.render(terminal) + fmt::format("({} row{}{})\n", table.rows(), table.rows() == 1 ? "" : "s",
                                              more ? "; there are more: raise --limit, or ask for less" : "");
}

std::optional<std::string> draw_tail_line(std::string_view json, const Terminal& terminal) {
  const auto root = parse(json);
  if (!root) return "a line that is no JSON";
  const auto& line = root->as_object();
  const auto type = cell_of(at(line, "type"));
  if (type == "dropped")
    return paint(terminal, Colour::kYellow,
                 fmt::format("... {} transactions left out: this terminal is too slow for them",
                             printable(cell_of(at(line, "count")))));
  if (type != "transaction") return std::nullopt;
  const auto start = cell_of(at(line, "start"));
  const auto outcome = printable(cell_of(at(line, "outcome")));
  const auto reason = printable(cell_of(at(line, "reason"), ""));
  const auto duration = number_at(line, "duration_ms").value_or(0);
  return fmt::format(
      "{}  {}  {}  {:<10}  {:<20}  {}  {:>8} ms{}",
      printable(start.size() >= 23 ? start.substr(11, 12) : start), printable(cell_of(at(line, "flux_id"))),
      paint(terminal, Colour::kCyan, fmt::format("{:<8}", printable(cell_of(at(line, "rack"))))),
      printable(cell_of(at(line, "gear"))), printable(cell_of(at(line, "name"))),
      paint(terminal, outcome == "answered" ? Colour::kGreen : Colour::kRed, fmt::format("{:<9}", outcome)),
      milliseconds_text(static_cast<std::int64_t>(std::clamp(duration, 0.0, 1e12) * 1e6)),
      reason.empty() ? "" : "  " + reason);
}

std::string with_plain_row_ends(std::string_view csv) {
  std::string out;
  out.reserve(csv.size());
  bool quoted = false;
  for (std::size_t i = 0; i < csv.size(); ++i) {
    quoted = quoted != (csv[i] == '"');
    const bool row_end = !quoted && csv[i] == '\r' && i + 1 < csv.size() && csv[i + 1] == '\n';
    if (!row_end) out += csv[i];
  }
  return out;
}

std::string for_stream(std::string text, bool is_terminal) {
  if (!is_terminal) return text;
  std::string out;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    auto line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    out += printable(line);
    if (end < rest.size()) out += '\n';
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

}  // namespace fluxrig::client
