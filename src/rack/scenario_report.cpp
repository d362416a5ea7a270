// How mistakes in a scenario, and its keys, are shown to a person.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "gear/option_values.hpp"
#include "rack/scenario.hpp"
#include "rack/scenario_options.hpp"
#include "sanitize/sanitizer.hpp"

namespace fluxrig::rack {
namespace {

constexpr std::size_t kMaxReported = 50;  // a file with more mistakes is no scenario

std::string_view type_name(gear::OptionType type) {
  switch (type) {
    case gear::OptionType::kText:
      return "text";
    case gear::OptionType::kInteger:
      return "whole number";
    case gear::OptionType::kNumber:
      return "number";
    case gear::OptionType::kBoolean:
      return "true or false";
    case gear::OptionType::kDuration:
      return "duration";
    case gear::OptionType::kSize:
      return "size";
    case gear::OptionType::kChoice:
      return "choice";
    case gear::OptionType::kListen:
      return "address to listen on";
    case gear::OptionType::kAddress:
      return "host:port";
    case gear::OptionType::kPath:
      return "file";
    case gear::OptionType::kTexts:
      return "list of text";
    case gear::OptionType::kMap:
      return "map";
    case gear::OptionType::kMaps:
      return "list of maps";
    case gear::OptionType::kFree:
      break;
  }
  return "see below";
}

std::string limit(gear::OptionType type, std::int64_t value) {
  if (type == gear::OptionType::kDuration) return gear::format_duration(value);
  if (type == gear::OptionType::kSize) return gear::format_size(value);
  return fmt::format("{}", value);
}

std::string value_column(const gear::Option& option) {
  if (option.type == gear::OptionType::kChoice) return fmt::format("`{}`", fmt::join(option.choices, "`, `"));
  std::string column(type_name(option.type));
  if (option.minimum != INT64_MIN) column += fmt::format(", from {}", limit(option.type, option.minimum));
  if (option.maximum != INT64_MAX) column += fmt::format(", up to {}", limit(option.type, option.maximum));
  return column;
}

std::string default_column(const gear::Option& option) {
  if (option.required) return "required";
  const bool is_nested = option.type == gear::OptionType::kMap || option.type == gear::OptionType::kMaps;
  return option.fallback.empty() || is_nested ? "" : fmt::format("`{}`", option.fallback);
}

void add_rows(const std::vector<gear::Option>& options, const std::string& prefix, std::string& page) {
  for (const auto& option : options) {
    const std::string path = fmt::format("{}{}", prefix, option.name);
    page += fmt::format("| `{}` | {} | {} | {} |\n", path, value_column(option), default_column(option),
                        option.summary);
    add_rows(option.items, path + (option.type == gear::OptionType::kMaps ? "[]." : "."), page);
  }
}

constexpr std::string_view kTableHead = "| option | value | default | meaning |\n|---|---|---|---|\n";

std::string_view role_sentence(gear::Role role) {
  switch (role) {
    case gear::Role::kIngress:
      return "Ingress: begins a wire.";
    case gear::Role::kEgress:
      return "Egress: ends a wire.";
    case gear::Role::kFilter:
      break;
  }
  return "Filter: stands within a wire.";
}

}  // namespace

std::string report(const std::vector<yaml::Complaint>& complaints, std::string_view file,
                   std::string_view text) {
  if (complaints.empty()) return {};
  auto sorted = complaints;
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return std::pair(a.mark.line, a.mark.column) < std::pair(b.mark.line, b.mark.column);
  });
  std::string shown;
  for (std::size_t i = 0; i < std::min(sorted.size(), kMaxReported); ++i)
    shown += yaml::render(sorted[i], file, text, sanitize::mask_card_numbers);
  if (sorted.size() > kMaxReported)
    shown += fmt::format("{}: {} more errors are not shown.\n", file, sorted.size() - kMaxReported);
  return shown + fmt::format("{}: {} error{}. Nothing was started.\n", file, sorted.size(),
                             sorted.size() == 1 ? "" : "s");
}

std::string reference_page(const gear::GearType& type) {
  std::string page = fmt::format("# {}\n\n{}\n\n{}", type.name, type.summary, role_sentence(type.role));
  if (type.ports.size() == 1 && type.ports[0] == "*")
    page += " Its output ports are named by its options.";
  else if (!type.ports.empty())
    page += fmt::format(" Output ports: `{}`.", fmt::join(type.ports, "`, `"));
  page += "\n";
  if (type.options.empty()) return page + "\nIt has no options.\n";
  page += fmt::format("\n{}", kTableHead);
  add_rows(type.options, "", page);
  return page;
}

std::string scenario_reference() {
  std::string page(kTableHead);
  add_rows(scenario_options(), "", page);
  page += "\n| environment variable | overrides |\n|---|---|\n";
  for (const auto& overridable : overridable_options())
    page += fmt::format("| `{}` | `{}` |\n", variable_name(overridable.path), overridable.path);
  return page;
}

}  // namespace fluxrig::rack
