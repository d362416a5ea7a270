#include "gear/map_rules.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/nearest.hpp"
#include "gear/iso8583/codec.hpp"

namespace fluxrig::gear {

namespace {

using yaml::Complaint;
using yaml::Node;

constexpr std::size_t kMaxRules = 512;

constexpr std::array<std::string_view, 14> kRuleKeys = {"to",    "from",     "value",  "copy",     "generate",
                                                        "table", "default",  "format", "scale",    "decimals",
                                                        "trim",  "optional", "type",   "otherwise"};

constexpr std::array<std::pair<std::string_view, MapGenerator>, 6> kGenerators = {
    {{"transmission_time", MapGenerator::kTransmissionTime},
     {"time", MapGenerator::kTime},
     {"date", MapGenerator::kDate},
     {"stan", MapGenerator::kStan},
     {"rrn", MapGenerator::kRrn},
     {"flux_id", MapGenerator::kFluxId}}};
constexpr std::array<std::pair<std::string_view, JsonType>, 3> kTypes = {
    {{"text", JsonType::kText}, {"number", JsonType::kNumber}, {"boolean", JsonType::kBoolean}}};
constexpr std::array<std::pair<std::string_view, MapTrim>, 3> kTrims = {
    {{"none", MapTrim::kNone}, {"zeros", MapTrim::kZeros}, {"spaces", MapTrim::kSpaces}}};

class Reader {
 public:
  std::optional<Complaint> complaint;

  void complain(const Node& at, std::string message, std::string hint = {}) {
    if (complaint) return;
    const int width = at.is_scalar() ? std::max(1, static_cast<int>(at.scalar.size())) : 1;
    complaint = Complaint{at.mark, width, std::move(message), std::move(hint)};
  }

  void only_keys(const Node& map, std::span<const std::string_view> known, std::string_view where) {
    if (!map.is_map()) return complain(map, fmt::format("{} must be a map of keys and values", where));
    for (const auto& entry : map.entries) {
      if (complaint || std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
      const auto meant = nearest_name(entry.key, known);
      complaint = Complaint{entry.mark, std::max(1, static_cast<int>(entry.key.size())),
                            fmt::format("{}: unknown key '{}'", where, entry.key),
                            meant.empty() ? "" : fmt::format("did you mean '{}'?", meant)};
    }
  }

  const std::string* text(const Node& map, std::string_view key) {
    const Node* node = map.find(key);
    if (node == nullptr) return nullptr;
    if (node->is_scalar()) return &node->scalar;
    complain(*node, fmt::format("'{}' must be text", key));
    return nullptr;
  }

  template <typename T, std::size_t N>
  void word(const Node& map, std::string_view key, const std::array<std::pair<std::string_view, T>, N>& words,
            T& value) {
    const auto* given = text(map, key);
    if (given == nullptr) return;
    std::vector<std::string_view> names;
    std::string all;
    for (const auto& [name, meaning] : words) {
      if (*given == name) {
        value = meaning;
        return;
      }
      names.push_back(name);
      all.append(all.empty() ? "" : ", ").append(name);
    }
    const auto meant = nearest_name(*given, names);
    complain(*map.find(key), fmt::format("'{}' must be one of: {}", key, all),
             meant.empty() ? "" : fmt::format("did you mean '{}'?", meant));
  }

  void digit(const Node& map, std::string_view key, int& value) {
    const auto* given = text(map, key);
    if (given == nullptr) return;
    if (given->size() != 1 || given->front() < '0' || given->front() > '9')
      return complain(*map.find(key), fmt::format("'{}' must be a digit", key));
    value = given->front() - '0';
  }
};

void read_source(Reader& reader, const Node& node, MapRule& rule) {
  int sources = 0;
  const auto take = [&](std::string_view key, MapSource source) {
    const auto* text = reader.text(node, key);
    if (text == nullptr) return;
    ++sources;
    rule.source = source;
    rule.name = *text;
  };
  take("from", MapSource::kFrom);
  take("value", MapSource::kConstant);
  take("copy", MapSource::kCopy);
  take("generate", MapSource::kGenerate);
  if (sources != 1) reader.complain(node, "a rule needs exactly one of: from, value, copy, generate");
  if (rule.source == MapSource::kGenerate) reader.word(node, "generate", kGenerators, rule.generator);
  if (rule.source == MapSource::kCopy && !rule.name.starts_with("request.") &&
      !rule.name.starts_with("body."))
    reader.complain(*node.find("copy"),
                    "'copy' takes request.<element>, as sent, or body.<path>, as received");
}

// "n12": digits, zeros on the left; "an12", "ans8": text, spaces on the right.
void read_format(Reader& reader, const Node& node, MapRule& rule) {
  const auto* format = reader.text(node, "format");
  if (format == nullptr) return;
  const auto letters = std::min(format->find_first_of("0123456789"), format->size());
  const auto kind = format->substr(0, letters);
  const auto parsed = std::from_chars(format->data() + letters, format->data() + format->size(), rule.length);
  const bool known = kind == "n" || kind == "a" || kind == "an" || kind == "ans";
  if (!known || parsed.ec != std::errc{} || parsed.ptr != format->data() + format->size() ||
      rule.length == 0 || rule.length > 999)
    return reader.complain(*node.find("format"), "'format' is n, a, an or ans and a length, such as n12");
  rule.pad = kind == "n" ? 'n' : 's';
}

void read_table(Reader& reader, const Node& node, MapRule& rule) {
  const Node* table = node.find("table");
  if (table == nullptr) return;
  if (!table->is_map() || table->entries.empty())
    return reader.complain(*table, "'table' must be a map from value to value");
  for (const auto& entry : table->entries) {
    if (!entry.value.is_scalar()) return reader.complain(entry.value, "a value of the table must be text");
    rule.table.emplace_back(entry.key, entry.value.scalar);
  }
}

MapRule read_rule(Reader& reader, const Node& node, bool needs_target) {
  MapRule rule;
  reader.only_keys(node, kRuleKeys, "rule");
  if (reader.complaint) return rule;
  if (const auto* to = reader.text(node, "to")) rule.to = *to;
  if (needs_target && rule.to.empty()) reader.complain(node, "a rule needs 'to': what it sets");
  read_source(reader, node, rule);
  read_format(reader, node, rule);
  read_table(reader, node, rule);
  if (const auto* fallback = reader.text(node, "default")) {
    rule.has_default = true;
    rule.fallback = *fallback;
  }
  if (const auto* otherwise = reader.text(node, "otherwise")) {
    rule.has_otherwise = true;
    rule.otherwise = *otherwise;
    if (rule.table.empty()) reader.complain(*node.find("otherwise"), "'otherwise' needs a table");
  }
  if (const auto* optional = reader.text(node, "optional")) {
    rule.optional = *optional == "true";
    if (*optional != "true" && *optional != "false")
      reader.complain(*node.find("optional"), "'optional' is true or false");
  }
  reader.digit(node, "scale", rule.scale);
  reader.digit(node, "decimals", rule.decimals);
  if (rule.scale >= 0 && rule.decimals >= 0) reader.complain(node, "a rule has either scale or decimals");
  reader.word(node, "trim", kTrims, rule.trim);
  reader.word(node, "type", kTypes, rule.type);
  return rule;
}

bool is_json_path(std::string_view path) {
  if (path.empty() || path.starts_with('.') || path.ends_with('.')) return false;
  return path.find("..") == std::string_view::npos;
}

// Two rules for one value, a value that is also the parent of another, and an object that is closed and
// opened again are mistakes of the file.
void check_json_target(Reader& reader, const Node& at, const std::string& to, const Mapping& before) {
  if (!is_json_path(to)) return reader.complain(at, "'to' must be names joined by dots");
  for (const auto& other : before.rules)
    if (other.to.starts_with(to + ".") || to.starts_with(other.to + "."))
      return reader.complain(at, fmt::format("'{}' cannot be both a value and an object", to));
  for (auto dot = to.find('.'); dot != std::string::npos; dot = to.find('.', dot + 1)) {
    const auto parent = to.substr(0, dot + 1);
    const bool opened = std::any_of(before.rules.begin(), before.rules.end(),
                                    [&](const MapRule& other) { return other.to.starts_with(parent); });
    if (opened && !before.rules.back().to.starts_with(parent))
      reader.complain(at, fmt::format("the rules for '{}*' must follow each other", parent));
  }
}

void check_target(Reader& reader, const Node& node, const MapRule& rule, const Mapping& before,
                  MapForm output) {
  const Node& at = node.find("to") != nullptr ? *node.find("to") : node;
  for (const auto& other : before.rules)
    if (other.to == rule.to) return reader.complain(at, fmt::format("'{}' is set twice", rule.to));
  if (output == MapForm::kJson) return check_json_target(reader, at, rule.to, before);
  if (rule.to != "mti" && iso8583::element_number(rule.to) == 0)
    reader.complain(at, "'to' must be mti or an element from 2 to 128");
}

}  // namespace

tl::expected<Mapping, Complaint> parse_mapping(std::string_view text, MapForm output) {
  static constexpr std::array<std::string_view, 3> kKeys = {"rules", "status", "record"};
  const auto tree = yaml::parse(text);
  if (!tree) return tl::unexpected(tree.error());
  Reader reader;
  Mapping mapping;
  reader.only_keys(*tree, kKeys, "mapping");
  const Node* rules = tree->find("rules");
  if (rules == nullptr || !rules->is_sequence() || rules->items.empty() || rules->items.size() > kMaxRules)
    reader.complain(rules == nullptr ? *tree : *rules, "'rules' must be a list of rules");
  if (reader.complaint) return tl::unexpected(*reader.complaint);
  for (const auto& node : rules->items) {
    MapRule rule = read_rule(reader, node, /*needs_target=*/true);
    if (!reader.complaint) check_target(reader, node, rule, mapping, output);
    if (reader.complaint) return tl::unexpected(*reader.complaint);
    mapping.rules.push_back(std::move(rule));
  }
  if (const Node* status = tree->find("status")) {
    if (output == MapForm::kFields) reader.complain(*status, "only a mapping that makes JSON has a status");
    mapping.status.push_back(read_rule(reader, *status, /*needs_target=*/false));
  }
  if (const Node* record = tree->find("record")) {
    if (!record->is_sequence()) reader.complain(*record, "'record' must be a list of JSON paths");
    for (const auto& item : record->items) {
      if (!item.is_scalar() || !is_json_path(item.scalar)) reader.complain(item, "this is no JSON path");
      mapping.record.push_back(item.scalar);
    }
  }
  if (reader.complaint) return tl::unexpected(*reader.complaint);
  return mapping;
}

}  // namespace fluxrig::gear
