// Reads one map of a document by its option table, and words the complaints. Private to settings.cpp. Lives
// for one constructor call; the views it is made from must outlive it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gear/settings.hpp"

namespace fluxrig::gear {

// What was read for one option.
struct Settings::Value {
  std::string name;
  OptionType type = OptionType::kText;
  bool is_present = false;  // given, or by default
  yaml::Mark mark;
  std::string text;          // kText, kChoice, kPath
  std::int64_t integer = 0;  // kInteger, kBoolean, kDuration (ms), kSize (bytes)
  double number = 0;
  Endpoint endpoint;
  std::vector<std::string> texts;
  std::vector<Settings> maps;  // kMap: at most one
  yaml::Node free;
};

class SettingsReader {
 public:
  SettingsReader(std::string_view folder, std::string_view where, std::vector<yaml::Complaint>& complaints);

  void refuse_unknown_keys(const yaml::Node& node, const std::vector<Option>& options);
  void refuse_node(const yaml::Node& node);
  [[nodiscard]] Settings::Value read_option(const yaml::Node& map, const Option& option);

 private:
  void read(const yaml::Node& node, const Option& option, Settings::Value& value);
  void read_scalar(const yaml::Node& node, const Option& option, Settings::Value& value);
  void read_text(const yaml::Node& node, const Option& option, Settings::Value& value);
  void read_integer(const yaml::Node& node, const Option& option, std::optional<std::int64_t> parsed,
                    Settings::Value& value);
  void read_number(const yaml::Node& node, const Option& option, Settings::Value& value);
  void read_texts(const yaml::Node& node, const Option& option, Settings::Value& value);
  void read_map(const yaml::Node& node, const Option& option, Settings::Value& value);
  void read_maps(const yaml::Node& node, const Option& option, Settings::Value& value);

  void wrong_type(const yaml::Node& node, const Option& option);
  void out_of_range(const yaml::Node& node, const Option& option);
  void complain(yaml::Mark mark, int width, std::string_view sentence, std::string hint);

  std::string_view folder_;
  std::string prefix_;
  std::vector<yaml::Complaint>& complaints_;
};

}  // namespace fluxrig::gear
