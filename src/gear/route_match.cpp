#include "gear/route_match.hpp"

#include <algorithm>

namespace fluxrig::gear {

namespace {

struct Range {
  std::string_view first;
  std::string_view last;
  bool valid = false;
};

bool all_digits(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Range parse_range(std::string_view text) noexcept {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return {};
  Range range{text.substr(0, dash), text.substr(dash + 1)};
  range.valid = all_digits(range.first) && all_digits(range.last) &&
                range.first.size() == range.last.size() && range.first <= range.last;
  return range;
}

}  // namespace

ValueMatch::ValueMatch(const Settings& settings) {
  if (settings.has("equals")) {
    kind_ = Kind::kEquals;
    text_ = settings.text("equals");
  } else if (settings.has("prefix")) {
    kind_ = Kind::kPrefix;
    text_ = settings.text("prefix");
  } else if (settings.has("one_of")) {
    kind_ = Kind::kOneOf;
    many_ = settings.texts("one_of");
  } else if (settings.has("range")) {
    kind_ = Kind::kRange;
    const auto text = settings.text("range");
    const auto range = parse_range(text);
    text_ = range.first;
    last_ = range.last;
  }
}

bool ValueMatch::matches(std::string_view value) const noexcept {
  switch (kind_) {
    case Kind::kAny:
      return true;
    case Kind::kEquals:
      return value == text_;
    case Kind::kPrefix:
      return value.starts_with(text_);
    case Kind::kOneOf:
      return std::find(many_.begin(), many_.end(), value) != many_.end();
    case Kind::kRange: {
      // As many leading digits as the bounds have: amounts of fixed length, and issuer ranges of card
      // numbers.
      const auto head = value.substr(0, text_.size());
      return head.size() == text_.size() && all_digits(head) && head >= text_ && head <= last_;
    }
  }
  return false;
}

std::vector<Option> ValueMatch::options() {
  return {
      {.name = "equals", .type = OptionType::kText, .summary = "the whole value"},
      {.name = "prefix", .type = OptionType::kText, .summary = "how the value begins"},
      {.name = "one_of", .type = OptionType::kTexts, .summary = "one of these values"},
      {.name = "range",
       .type = OptionType::kText,
       .summary = "digits from-to, both of one length; compared with the value's first digits"},
  };
}

void ValueMatch::check(const Settings& settings, std::vector<yaml::Complaint>& complaints) {
  int given = 0;
  for (const auto* name : {"equals", "prefix", "one_of", "range"}) given += settings.has(name) ? 1 : 0;
  if (given > 1)
    complaints.push_back({settings.mark("equals"), 1, "more than one condition",
                          "give one of: equals, prefix, one_of, range"});
  if (settings.has("range")) {
    const auto text = settings.text("range");
    if (!parse_range(text).valid)
      complaints.push_back({settings.mark("range"), 1, "'range' is no range of digits",
                            "two bounds of the same length in order, such as 400000-499999"});
  }
}

const std::string* value_of(const Message& message, std::string_view name) noexcept {
  const auto* field = message.fields.find(name);
  return field != nullptr ? field : message.meta.find(name);
}

}  // namespace fluxrig::gear
