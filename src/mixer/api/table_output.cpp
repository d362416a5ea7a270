#include "mixer/api/table_output.hpp"

#include <fmt/core.h>

#include "base/diagnostics.hpp"

namespace fluxrig::mixer {
namespace {

void append_text(std::string_view text, std::string& out) {
  out += '"';
  out += escape_json(text);
  out += '"';
}

// "nan", "inf" and "-inf" are numbers to the store and none to JSON.
bool is_json_number(std::string_view text) {
  if (text.empty()) return false;
  const char first = text.front() == '-' && text.size() > 1 ? text[1] : text.front();
  return first >= '0' && first <= '9';
}

void append_csv_field(std::string_view text, std::string& out) {
  if (text.find_first_of("\",\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

}  // namespace

void append_json_value(const sink::QueryTable::Column& column, const std::optional<std::string>& value,
                       std::string& out) {
  if (!value)
    out += "null";
  else if ((column.numeric && is_json_number(*value)) || column.type == "JSON" || column.type == "BOOLEAN")
    out += *value;
  else
    append_text(*value, out);
}

class TableMaker {
 public:
  static ReplyText of(std::string rendered) { return {ReplyText::Clean{}, std::move(rendered)}; }
};

ReplyText rows_as_objects(const sink::QueryTable& table, std::size_t columns) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < columns; ++i)
    names.push_back("\"" + escape_json(table.columns[i].name) + "\":");
  std::string out = "[";
  for (const auto& row : table.rows) {
    if (out.size() > 1) out += ',';
    out += '{';
    for (std::size_t i = 0; i < columns; ++i) {
      if (i > 0) out += ',';
      out += names[i];
      append_json_value(table.columns[i], row[i], out);
    }
    out += '}';
  }
  return TableMaker::of(out + "]");
}

ReplyText quoted_cell(const std::optional<std::string>& cell) {
  return TableMaker::of(cell ? "\"" + escape_json(*cell) + "\"" : "null");
}

ReplyText row_as_object(const sink::QueryTable& table) {
  if (table.rows.empty()) return ReplyText("null");
  sink::QueryTable first{table.columns, {table.rows.front()}, false};
  const auto list = rows_as_objects(first, table.columns.size()).text();
  return TableMaker::of(list.substr(1, list.size() - 2));
}

ReplyText table_as_json(const sink::QueryTable& table) {
  std::string out = "{\"columns\":[";
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    out += fmt::format(R"({}{{"name":"{}","type":"{}"}})", i == 0 ? "" : ",",
                       escape_json(table.columns[i].name), escape_json(table.columns[i].type));
  out += "],\"rows\":[";
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    out += r == 0 ? "[" : ",[";
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      if (i > 0) out += ',';
      append_json_value(table.columns[i], table.rows[r][i], out);
    }
    out += ']';
  }
  return TableMaker::of(out + fmt::format("],\"truncated\":{}}}\n", table.truncated));
}

ReplyText table_as_csv(const sink::QueryTable& table, std::size_t columns) {
  std::string out;
  for (std::size_t i = 0; i < columns; ++i) {
    if (i > 0) out += ',';
    append_csv_field(table.columns[i].name, out);
  }
  out += "\r\n";
  for (const auto& row : table.rows) {
    for (std::size_t i = 0; i < columns; ++i) {
      if (i > 0) out += ',';
      if (row[i]) append_csv_field(*row[i], out);
    }
    out += "\r\n";
  }
  return TableMaker::of(std::move(out));
}

bool wants_csv(std::string_view accept) noexcept { return accept.find("text/csv") != std::string_view::npos; }

}  // namespace fluxrig::mixer
