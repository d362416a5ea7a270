// A gear's options: declared as data, checked by the scenario, read by the gear with types. The same table
// makes the checker's messages and the reference page. Any thread once built.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/yaml.hpp"

namespace fluxrig::gear {

class Gear;
class SettingsReader;  // settings.cpp

enum class OptionType : std::uint8_t {
  kText,
  kInteger,   // minimum..maximum
  kNumber,    // decimal, minimum..maximum (ratio: 0..1)
  kBoolean,   // true | false
  kDuration,  // "250ms", "5s", "1m", "2h"; milliseconds in minimum..maximum
  kSize,      // "64KiB", "2MB", "1GiB", "512"; bytes in minimum..maximum
  kChoice,    // one of `choices`
  kListen,    // "0.0.0.0:8080", "[::1]:0", ":8080"
  kAddress,   // "host:port"
  kPath,      // a file that must exist, relative to the scenario's folder
  kTexts,     // list of text
  kMap,       // nested options in `items`
  kMaps,      // list of such maps
  kFree,      // any YAML below it: GearType::check looks at it
};

struct Option {
  std::string_view name;
  OptionType type = OptionType::kText;
  std::string_view summary = {};  // one line for the reference page
  bool required = false;
  std::string_view fallback = "";  // the default, in the same syntax as in the file; empty: none
  std::vector<std::string_view> choices = {};
  std::int64_t minimum = INT64_MIN;
  std::int64_t maximum = INT64_MAX;
  std::vector<Option> items = {};  // kMap, kMaps
};

struct Endpoint {
  std::string host;  // empty: all addresses
  std::uint16_t port = 0;
};

// Checked options of one gear: every required one is there, every value parses. Asking for a name that the
// table does not have, or with another type, is a broken invariant (FR_ASSERT).
class Settings {
 public:
  // `folder` resolves kPath. Complaints go to `complaints`; the result is usable only if none was added.
  Settings(const yaml::Node& node, const std::vector<Option>& options, std::string_view folder,
           std::string_view where, std::vector<yaml::Complaint>& complaints);

  [[nodiscard]] bool has(std::string_view name) const noexcept;  // given, or has a default
  [[nodiscard]] std::string text(
      std::string_view name) const;  // kText, kChoice, kPath (resolved); "" when absent
  [[nodiscard]] std::int64_t integer(std::string_view name) const;
  [[nodiscard]] double number(std::string_view name) const;
  [[nodiscard]] bool boolean(std::string_view name) const;
  [[nodiscard]] std::chrono::milliseconds duration(std::string_view name) const;
  [[nodiscard]] std::uint64_t size(std::string_view name) const;
  [[nodiscard]] Endpoint endpoint(std::string_view name) const;  // kListen, kAddress
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
  [[nodiscard]] const Settings* map(std::string_view name) const noexcept;  // null when absent
  [[nodiscard]] const std::vector<Settings>& maps(std::string_view name) const;
  [[nodiscard]] const yaml::Node* free(std::string_view name) const noexcept;
  [[nodiscard]] yaml::Mark mark(
      std::string_view name) const noexcept;  // of the value; of the map when absent
  [[nodiscard]] std::string_view folder() const noexcept { return folder_; }

 private:
  friend class SettingsReader;
  struct Value;
  [[nodiscard]] const Value& get(std::string_view name, std::initializer_list<OptionType> types) const;
  [[nodiscard]] const Value* find(std::string_view name) const noexcept;
  std::shared_ptr<const std::vector<Value>> values_;  // shared: settings are immutable and copied into gears
  std::string folder_;
  yaml::Mark mark_;
};

enum class Role : std::uint8_t { kIngress, kFilter, kEgress };

// One kind of gear: what `type:` names.
struct GearType {
  std::string_view name;
  std::string_view summary = {};
  Role role = Role::kFilter;
  // Egress only: it answers by itself. False: what it is given leaves the rack, so an intent is recorded
  // first.
  bool answers_itself = false;
  std::vector<Option> options = {};
  // Output ports by name. Empty: one unnamed port (egress gears have none at all). `*`: named by the settings
  // (route).
  std::vector<std::string_view> ports = {};
  // Names of the output ports for these settings; only for `ports == {"*"}`.
  std::vector<std::string> (*settings_ports)(const Settings&) = nullptr;
  // Further checks (files it names, nested rules). May be null.
  void (*check)(const Settings&, std::vector<yaml::Complaint>&) = nullptr;
  std::unique_ptr<Gear> (*make)(const Settings&) = nullptr;
};

}  // namespace fluxrig::gear
