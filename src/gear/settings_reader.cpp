#include "gear/settings_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/assert.hpp"
#include "base/nearest.hpp"
#include "gear/option_values.hpp"
#include "sanitize/excerpt.hpp"

namespace fluxrig::gear {
namespace {

constexpr std::size_t kMaxShown = 64;      // characters of a wrong value in a message
constexpr std::size_t kMaxUnderline = 80;  // characters

int width_of(const yaml::Node& node) {
  if (!node.is_scalar()) return 1;
  const auto first_line = std::min(node.scalar.find('\n'), node.scalar.size());
  return static_cast<int>(std::clamp<std::size_t>(first_line + (node.quoted ? 2 : 0), 1, kMaxUnderline));
}

std::string shown(const yaml::Node& node) {
  switch (node.kind) {
    case yaml::Node::Kind::kNull:
      return "empty";
    case yaml::Node::Kind::kSequence:
      return "a list";
    case yaml::Node::Kind::kMap:
      return "a map";
    case yaml::Node::Kind::kScalar:
      break;
  }
  if (node.scalar.size() > kMaxShown)
    return fmt::format("'{}...'", sanitize::excerpt(node.scalar, kMaxShown));
  return fmt::format("'{}'", node.scalar);
}

std::string_view expected(OptionType type) {
  switch (type) {
    case OptionType::kText:
    case OptionType::kChoice:
      return "text";
    case OptionType::kInteger:
      return "a whole number, such as 8";
    case OptionType::kNumber:
      return "a number, such as 0.25";
    case OptionType::kBoolean:
      return "true or false";
    case OptionType::kDuration:
      return "a duration, such as 250ms or 5s";
    case OptionType::kSize:
      return "a size, such as 64KiB or 2MB";
    case OptionType::kListen:
      return "an IP address and port to listen on, such as 127.0.0.1:8080, \"[::1]:8080\" or \":8080\"";
    case OptionType::kAddress:
      return "a host and port, such as bank.example:8583 or \"[::1]:8583\"";
    case OptionType::kPath:
      return "the path of a file";
    case OptionType::kTexts:
      return "a list of text, such as [a, b]";
    case OptionType::kMap:
      return "a map, such as {key: value}";
    case OptionType::kMaps:
      return "a list of maps, such as [{key: value}]";
    case OptionType::kFree:
      break;
  }
  return "a value";
}

std::string limit(OptionType type, std::int64_t value) {
  if (type == OptionType::kDuration) return format_duration(value);
  if (type == OptionType::kSize) return format_size(value);
  return fmt::format("{}", value);
}

std::string range(const Option& option) {
  if (option.minimum == INT64_MIN) return fmt::format("at most {}", limit(option.type, option.maximum));
  if (option.maximum == INT64_MAX) return fmt::format("at least {}", limit(option.type, option.minimum));
  return fmt::format("between {} and {}", limit(option.type, option.minimum),
                     limit(option.type, option.maximum));
}

bool has_range(const Option& option) { return option.minimum != INT64_MIN || option.maximum != INT64_MAX; }

std::string one_of(std::string_view name, const std::vector<std::string_view>& names) {
  const std::string nearest = nearest_name(name, names);
  const std::string all = fmt::format("one of: {}", fmt::join(names, ", "));
  return nearest.empty() ? all : fmt::format("did you mean '{}'? {}", nearest, all);
}

bool is_file(const std::string& path) {
  struct stat status {};
  return path.find('\0') == std::string::npos && stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

// A default stands in our own table: one that does not parse is a broken invariant.
yaml::Node fallback_node(const Option& option, yaml::Mark mark) {
  yaml::Node node;
  const bool is_scalar = option.type < OptionType::kTexts;
  if (is_scalar) {
    node.kind = yaml::Node::Kind::kScalar;
    node.scalar = option.fallback;
  } else {
    auto parsed = yaml::parse(option.fallback);
    FR_ASSERT(parsed.has_value());
    node = std::move(*parsed);
  }
  node.mark = mark;
  return node;
}

}  // namespace

SettingsReader::SettingsReader(std::string_view folder, std::string_view where,
                               std::vector<yaml::Complaint>& complaints)
    : folder_(folder), prefix_(where.empty() ? "" : fmt::format("{}: ", where)), complaints_(complaints) {}

void SettingsReader::refuse_unknown_keys(const yaml::Node& node, const std::vector<Option>& options) {
  std::vector<std::string_view> names;
  for (const auto& option : options) names.push_back(option.name);
  for (const auto& entry : node.entries) {
    if (std::find(names.begin(), names.end(), entry.key) != names.end()) continue;
    complain(entry.mark, static_cast<int>(std::clamp<std::size_t>(entry.key.size(), 1, kMaxUnderline)),
             fmt::format("unknown option '{}'", sanitize::excerpt(entry.key, kMaxShown)),
             names.empty() ? "it has no options" : one_of(entry.key, names));
  }
}

Settings::Value SettingsReader::read_option(const yaml::Node& map, const Option& option) {
  Settings::Value value;
  value.name = option.name;
  value.type = option.type;
  value.mark = map.mark;
  if (const auto* node = map.find(option.name)) {
    value.is_present = true;
    value.mark = node->mark;
    read(*node, option, value);
  } else if (!option.fallback.empty()) {
    value.is_present = true;
    read(fallback_node(option, map.mark), option, value);
  } else if (option.required) {
    complain(map.mark, 1, fmt::format("'{}' is missing: {}", option.name, option.summary),
             fmt::format("add '{}': {}", option.name,
                         option.type == OptionType::kChoice
                             ? fmt::format("one of: {}", fmt::join(option.choices, ", "))
                             : std::string(expected(option.type))));
  }
  return value;
}

void SettingsReader::refuse_node(const yaml::Node& node) {
  complain(node.mark, width_of(node), fmt::format("expected a map of options, got {}", shown(node)), "");
}

void SettingsReader::read(const yaml::Node& node, const Option& option, Settings::Value& value) {
  switch (option.type) {
    case OptionType::kTexts:
      return read_texts(node, option, value);
    case OptionType::kMap:
      return read_map(node, option, value);
    case OptionType::kMaps:
      return read_maps(node, option, value);
    case OptionType::kFree:
      value.free = node;
      return;
    default:
      break;
  }
  if (!node.is_scalar()) return wrong_type(node, option);
  read_scalar(node, option, value);
}

void SettingsReader::read_scalar(const yaml::Node& node, const Option& option, Settings::Value& value) {
  switch (option.type) {
    case OptionType::kInteger:
      return read_integer(node, option, node.quoted ? std::nullopt : parse_integer(node.scalar), value);
    case OptionType::kDuration:
      return read_integer(node, option, parse_duration(node.scalar), value);
    case OptionType::kSize:
      return read_integer(node, option, parse_size(node.scalar), value);
    case OptionType::kBoolean: {
      const auto parsed = node.quoted ? std::nullopt : parse_boolean(node.scalar);
      if (!parsed) return wrong_type(node, option);
      value.integer = *parsed ? 1 : 0;
      return;
    }
    case OptionType::kNumber:
      return read_number(node, option, value);
    case OptionType::kListen:
    case OptionType::kAddress: {
      auto parsed =
          option.type == OptionType::kListen ? parse_listen(node.scalar) : parse_address(node.scalar);
      if (!parsed) return wrong_type(node, option);
      value.endpoint = std::move(*parsed);
      return;
    }
    default:
      return read_text(node, option, value);
  }
}

void SettingsReader::read_text(const yaml::Node& node, const Option& option, Settings::Value& value) {
  value.text = node.scalar;
  if (option.required && value.text.empty())
    return complain(node.mark, width_of(node), fmt::format("'{}' must not be empty", option.name), "");
  if (option.type == OptionType::kChoice &&
      std::find(option.choices.begin(), option.choices.end(), value.text) == option.choices.end())
    return complain(node.mark, width_of(node), fmt::format("unknown {} {}", option.name, shown(node)),
                    one_of(value.text, option.choices));
  if (option.type != OptionType::kPath) return;
  if (!folder_.empty() && !value.text.starts_with('/'))
    value.text = fmt::format("{}/{}", folder_, value.text);
  if (!is_file(value.text))
    complain(node.mark, width_of(node), fmt::format("'{}': there is no file {}", option.name, shown(node)),
             fmt::format("looked for {}", value.text));
}

void SettingsReader::read_integer(const yaml::Node& node, const Option& option,
                                  std::optional<std::int64_t> parsed, Settings::Value& value) {
  if (!parsed) return wrong_type(node, option);
  if (*parsed < option.minimum || *parsed > option.maximum) return out_of_range(node, option);
  value.integer = *parsed;
}

void SettingsReader::read_number(const yaml::Node& node, const Option& option, Settings::Value& value) {
  const auto parsed = node.quoted ? std::nullopt : parse_number(node.scalar);
  if (!parsed) return wrong_type(node, option);
  if (has_range(option) &&
      (*parsed < static_cast<double>(option.minimum) || *parsed > static_cast<double>(option.maximum)))
    return out_of_range(node, option);
  value.number = *parsed;
}

void SettingsReader::read_texts(const yaml::Node& node, const Option& option, Settings::Value& value) {
  if (!node.is_sequence()) return wrong_type(node, option);
  for (const auto& item : node.items) {
    if (!item.is_scalar()) return wrong_type(item, option);
    value.texts.push_back(item.scalar);
  }
}

void SettingsReader::read_map(const yaml::Node& node, const Option& option, Settings::Value& value) {
  if (!node.is_map()) return wrong_type(node, option);
  value.maps.emplace_back(node, option.items, folder_, fmt::format("{}{}", prefix_, option.name),
                          complaints_);
}

void SettingsReader::read_maps(const yaml::Node& node, const Option& option, Settings::Value& value) {
  if (!node.is_sequence()) return wrong_type(node, option);
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    if (!node.items[i].is_map()) {
      wrong_type(node.items[i], option);
      continue;
    }
    value.maps.emplace_back(node.items[i], option.items, folder_,
                            fmt::format("{}{} {}", prefix_, option.name, i + 1), complaints_);
  }
}

void SettingsReader::wrong_type(const yaml::Node& node, const Option& option) {
  std::string hint;
  if (node.is_null()) hint = "leave the key out for the default";
  const bool needs_no_quotes = option.type == OptionType::kInteger || option.type == OptionType::kNumber ||
                               option.type == OptionType::kBoolean;
  if (node.quoted && needs_no_quotes) hint = "write it without quotes";
  complain(node.mark, width_of(node),
           fmt::format("'{}' must be {}, not {}", option.name, expected(option.type), shown(node)), hint);
}

void SettingsReader::out_of_range(const yaml::Node& node, const Option& option) {
  complain(node.mark, width_of(node),
           fmt::format("'{}' must be {}, not {}", option.name, range(option), shown(node)), "");
}

void SettingsReader::complain(yaml::Mark mark, int width, std::string_view sentence, std::string hint) {
  complaints_.push_back({mark, width, fmt::format("{}{}", prefix_, sentence), std::move(hint)});
}

}  // namespace fluxrig::gear
