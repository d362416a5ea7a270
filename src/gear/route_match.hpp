// One condition on a value: how `route` chooses a port and `respond` a script. Any thread once built.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gear/message.hpp"
#include "gear/settings.hpp"

namespace fluxrig::gear {

class ValueMatch {
 public:
  // Of the options that `options()` lists.
  explicit ValueMatch(const Settings& settings);
  [[nodiscard]] bool matches(std::string_view value) const noexcept;
  // False when no condition was given: it matches everything.
  [[nodiscard]] bool has_condition() const noexcept { return kind_ != Kind::kAny; }

  [[nodiscard]] static std::vector<Option> options();
  // At most one condition, and a range that is one.
  static void check(const Settings& settings, std::vector<yaml::Complaint>& complaints);

 private:
  enum class Kind : std::uint8_t { kAny, kEquals, kPrefix, kOneOf, kRange };
  Kind kind_ = Kind::kAny;
  std::string text_;               // kEquals, kPrefix; kRange: the first
  std::string last_;               // kRange
  std::vector<std::string> many_;  // kOneOf
};

// The field of that name, else the meta fact; null when the message has neither.
[[nodiscard]] const std::string* value_of(const Message& message, std::string_view name) noexcept;

}  // namespace fluxrig::gear
