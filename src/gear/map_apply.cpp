#include "gear/map_apply.hpp"

#include <fmt/core.h>

#include <ctime>

namespace fluxrig::gear {

namespace {

constexpr const char* kMissing = "a required value is missing";
constexpr const char* kNoEntry = "a value is not in its table";
constexpr const char* kNoDecimal = "an amount is not a plain decimal number";
constexpr const char* kTooManyDecimals = "an amount has more decimals than its currency";
constexpr const char* kTooLong = "a value is too long";
constexpr const char* kNotDigits = "a value has other characters than digits";
constexpr std::size_t kMaxAmountDigits = 30;

bool all_digits(std::string_view text) {
  for (const char c : text)
    if (c < '0' || c > '9') return false;
  return !text.empty();
}

std::string generate(MapGenerator generator, const MapInput& input) {
  const std::time_t seconds = input.now.value / kNanosPerSecond;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  switch (generator) {
    case MapGenerator::kTransmissionTime:
      return fmt::format("{:02}{:02}{:02}{:02}{:02}", utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                         utc.tm_sec);
    case MapGenerator::kTime:
      return fmt::format("{:02}{:02}{:02}", utc.tm_hour, utc.tm_min, utc.tm_sec);
    case MapGenerator::kDate:
      return fmt::format("{:02}{:02}", utc.tm_mon + 1, utc.tm_mday);
    case MapGenerator::kStan:
      return fmt::format("{:06}", input.stan);
    case MapGenerator::kRrn:
      return fmt::format("{}{:03}{:02}{:06}", utc.tm_year % 10, utc.tm_yday + 1, utc.tm_hour, input.stan);
    case MapGenerator::kFluxId:
      return to_string(input.flux_id);
  }
  return {};
}

// "12.3" with scale 2 is "1230"; null when it worked.
const char* to_minor_units(std::string& text, int scale) {
  const auto dot = text.find('.');
  std::string whole = text.substr(0, dot);
  std::string decimals = dot == std::string::npos ? "" : text.substr(dot + 1);
  if (!all_digits(whole) || (dot != std::string::npos && !all_digits(decimals)) ||
      text.size() > kMaxAmountDigits)
    return kNoDecimal;
  if (decimals.size() > static_cast<std::size_t>(scale)) return kTooManyDecimals;
  decimals.append(static_cast<std::size_t>(scale) - decimals.size(), '0');
  text = whole + decimals;
  return nullptr;
}

// "000000001050" with 2 decimals is "10.50".
const char* to_decimal(std::string& text, int decimals) {
  if (!all_digits(text)) return kNotDigits;
  const auto places = static_cast<std::size_t>(decimals);
  if (text.size() <= places) text.insert(0, places + 1 - text.size(), '0');
  const auto zeros = std::min(text.find_first_not_of('0'), text.size() - places - 1);
  text.erase(0, zeros);
  if (places > 0) text.insert(text.size() - places, 1, '.');
  return nullptr;
}

const char* apply_format(const MapRule& rule, std::string& text) {
  if (rule.pad == '\0') return nullptr;
  if (text.size() > rule.length) return kTooLong;
  if (rule.pad == 'n') {
    if (!all_digits(text)) return kNotDigits;
    text.insert(0, rule.length - text.size(), '0');
  } else {
    text.append(rule.length - text.size(), ' ');
  }
  return nullptr;
}

void apply_trim(const MapRule& rule, std::string& text) {
  if (rule.trim == MapTrim::kSpaces) text.erase(text.find_last_not_of(' ') + 1);
  if (rule.trim == MapTrim::kZeros) {
    const auto zeros = text.find_first_not_of('0');
    text.erase(0, zeros == std::string::npos ? text.size() - 1 : zeros);
  }
}

const std::string* look_up(const MapRule& rule, std::string_view key) {
  for (const auto& [name, value] : rule.table)
    if (name == key) return &value;
  return nullptr;
}

// The source's text; false when it has none.
bool read_source(const MapRule& rule, const MapInput& input, std::string& text) {
  const std::string* found = nullptr;
  switch (rule.source) {
    case MapSource::kConstant:
      found = &rule.name;
      break;
    case MapSource::kFrom:
      found = input.values.find(rule.name);
      break;
    case MapSource::kCopy:
      found = input.request.find(rule.name);
      break;
    case MapSource::kGenerate:
      text = generate(rule.generator, input);
      return true;
  }
  if (found == nullptr) return false;
  text = *found;
  return true;
}

const char* transform(const MapRule& rule, std::string& text) {
  if (!text.empty()) apply_trim(rule, text);
  if (!rule.table.empty()) {
    if (const auto* entry = look_up(rule, text))
      text = *entry;
    else if (rule.has_otherwise)
      text = rule.otherwise;
    else
      return kNoEntry;
  }
  const char* mistake = nullptr;
  if (rule.scale >= 0) mistake = to_minor_units(text, rule.scale);
  if (rule.decimals >= 0) mistake = to_decimal(text, rule.decimals);
  return mistake != nullptr ? mistake : apply_format(rule, text);
}

}  // namespace

tl::expected<std::vector<Mapped>, MapMistake> apply_rules(const std::vector<MapRule>& rules,
                                                          const MapInput& input) {
  std::vector<Mapped> mapped;
  mapped.reserve(rules.size());
  for (const auto& rule : rules) {
    std::string text;
    if (read_source(rule, input, text)) {
      if (const char* reason = transform(rule, text)) return tl::unexpected(MapMistake{&rule, reason, false});
    } else if (rule.has_default) {
      text = rule.fallback;
    } else if (rule.optional) {
      continue;
    } else {
      return tl::unexpected(MapMistake{&rule, kMissing, true});
    }
    mapped.push_back({&rule, std::move(text)});
  }
  return mapped;
}

}  // namespace fluxrig::gear
