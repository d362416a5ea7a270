#include "gear/settings.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "gear/settings_reader.hpp"

namespace fluxrig::gear {

Settings::Settings(const yaml::Node& node, const std::vector<Option>& options, std::string_view folder,
                   std::string_view where, std::vector<yaml::Complaint>& complaints)
    : folder_(folder), mark_(node.mark) {
  SettingsReader reader(folder_, where, complaints);
  auto values = std::make_shared<std::vector<Value>>();
  if (node.is_map()) {
    reader.refuse_unknown_keys(node, options);
    for (const auto& option : options) values->push_back(reader.read_option(node, option));
  } else {
    reader.refuse_node(node);
  }
  values_ = std::move(values);
}

const Settings::Value* Settings::find(std::string_view name) const noexcept {
  for (const auto& value : *values_)
    if (value.name == name) return &value;
  return nullptr;
}

const Settings::Value& Settings::get(std::string_view name, std::initializer_list<OptionType> types) const {
  const Value* value = find(name);
  FR_ASSERT(value != nullptr);
  FR_ASSERT(std::find(types.begin(), types.end(), value->type) != types.end());
  return *value;
}

bool Settings::has(std::string_view name) const noexcept {
  const Value* value = find(name);
  FR_ASSERT(value != nullptr);
  return value->is_present;
}

std::string Settings::text(std::string_view name) const {
  return get(name, {OptionType::kText, OptionType::kChoice, OptionType::kPath}).text;
}

std::int64_t Settings::integer(std::string_view name) const {
  return get(name, {OptionType::kInteger}).integer;
}

double Settings::number(std::string_view name) const { return get(name, {OptionType::kNumber}).number; }

bool Settings::boolean(std::string_view name) const { return get(name, {OptionType::kBoolean}).integer != 0; }

std::chrono::milliseconds Settings::duration(std::string_view name) const {
  return std::chrono::milliseconds(get(name, {OptionType::kDuration}).integer);
}

std::uint64_t Settings::size(std::string_view name) const {
  return static_cast<std::uint64_t>(get(name, {OptionType::kSize}).integer);
}

Endpoint Settings::endpoint(std::string_view name) const {
  return get(name, {OptionType::kListen, OptionType::kAddress}).endpoint;
}

std::vector<std::string> Settings::texts(std::string_view name) const {
  return get(name, {OptionType::kTexts}).texts;
}

const Settings* Settings::map(std::string_view name) const noexcept {
  const Value& value = get(name, {OptionType::kMap});
  return value.maps.empty() ? nullptr : &value.maps.front();
}

const std::vector<Settings>& Settings::maps(std::string_view name) const {
  return get(name, {OptionType::kMaps}).maps;
}

const yaml::Node* Settings::free(std::string_view name) const noexcept {
  const Value& value = get(name, {OptionType::kFree});
  return value.is_present ? &value.free : nullptr;
}

yaml::Mark Settings::mark(std::string_view name) const noexcept {
  const Value* value = find(name);
  FR_ASSERT(value != nullptr);
  return value->mark;
}

}  // namespace fluxrig::gear
