// FLUXRIG_* put over the keys of a scenario.
#include <fmt/format.h>

#include "rack/scenario_options.hpp"

namespace fluxrig::rack {
namespace {

using gear::Option;
using gear::OptionType;

void collect(const std::vector<Option>& options, const std::string& prefix,
             std::vector<OverridableOption>& found) {
  for (const auto& option : options) {
    if (option.type == OptionType::kMap)
      collect(option.items, fmt::format("{}{}.", prefix, option.name), found);
    else if (option.type < OptionType::kTexts)
      // Who starts a rack from a shell does not loosen what its file says.
      if (option.name != "profile") found.push_back({fmt::format("{}{}", prefix, option.name), &option});
  }
}

// The map under `key`, made when there is none; null when something else stands there (the check says so).
yaml::Node* map_under(yaml::Node& parent, std::string_view key) {
  for (auto& entry : parent.entries)
    if (entry.key == key) return entry.value.is_map() ? &entry.value : nullptr;
  yaml::Node map;
  map.kind = yaml::Node::Kind::kMap;
  parent.entries.push_back({std::string(key), {}, std::move(map)});
  return &parent.entries.back().value;
}

void put(yaml::Node& root, std::string_view path, yaml::Node value) {
  yaml::Node* parent = &root;
  for (auto dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
    parent = map_under(*parent, path.substr(0, dot));
    if (parent == nullptr) return;
    path.remove_prefix(dot + 1);
  }
  for (auto& entry : parent->entries) {
    if (entry.key != path) continue;
    entry.value = std::move(value);
    return;
  }
  parent->entries.push_back({std::string(path), {}, std::move(value)});
}

}  // namespace

std::string variable_name(std::string_view path) {
  std::string name = "FLUXRIG_";
  for (const char c : path)
    name += c == '.' ? '_' : (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

std::vector<OverridableOption> overridable_options() {
  std::vector<OverridableOption> found;
  collect(scenario_options(), "", found);
  return found;
}

void apply_environment(const Environment& environment, std::string_view folder, yaml::Node& root,
                       std::vector<yaml::Complaint>& complaints) {
  if (environment.contains("FLUXRIG_PROFILE"))
    complaints.push_back({{},
                          1,
                          "environment variable FLUXRIG_PROFILE: the profile is set in the scenario only",
                          "what the file refuses, no variable brings back"});
  for (const auto& overridable : overridable_options()) {
    const auto variable = environment.find(variable_name(overridable.path));
    if (variable == environment.end()) continue;
    yaml::Node value;
    value.kind = yaml::Node::Kind::kScalar;
    value.scalar = variable->second;
    yaml::Node alone;
    alone.kind = yaml::Node::Kind::kMap;
    alone.entries.push_back({std::string(overridable.option->name), {}, value});
    const auto before = complaints.size();
    const gear::Settings checked(alone, {*overridable.option}, folder,
                                 fmt::format("environment variable {}", variable->first), complaints);
    if (complaints.size() == before) put(root, overridable.path, std::move(value));
  }
}

}  // namespace fluxrig::rack
