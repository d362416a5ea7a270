// A mapping: rules that make one message's values out of another's. Read from YAML (docs/gears/map.md).
// Immutable once parsed: any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/yaml.hpp"
#include "gear/map_json.hpp"

namespace fluxrig::gear {

enum class MapSource : std::uint8_t {
  kFrom,      // a value of the message at hand
  kConstant,  // the rule's own text
  kCopy,      // a value of the request that is being answered
  kGenerate,  // made by the gear
};

enum class MapGenerator : std::uint8_t {
  kTransmissionTime,  // MMDDhhmmss, UTC
  kTime,              // hhmmss, UTC
  kDate,              // MMDD, UTC
  kStan,              // 6 digits, counted
  kRrn,               // 12 digits: last digit of the year, day of the year, hour, stan
  kFluxId,
};

enum class MapTrim : std::uint8_t { kNone, kZeros, kSpaces };

struct MapRule {
  std::string to;
  MapSource source = MapSource::kFrom;
  std::string name;  // kFrom, kCopy ("request.11", "body.amount"): of the value; kConstant: the value
  MapGenerator generator = MapGenerator::kStan;
  std::vector<std::pair<std::string, std::string>> table;
  bool has_default = false;
  std::string fallback;  // when the source has nothing
  bool has_otherwise = false;
  std::string otherwise;   // when the table has no entry
  bool optional = false;   // then nothing is no mistake
  int scale = -1;          // "12.34" to "1234": digits after the point; -1: not asked for
  int decimals = -1;       // "000000001234" to "12.34"
  char pad = '\0';         // 'n': zeros on the left; 's': spaces on the right
  std::size_t length = 0;  // of `format`
  MapTrim trim = MapTrim::kNone;
  JsonType type = JsonType::kText;  // in JSON output
};

enum class MapForm : std::uint8_t { kJson, kFields };

struct Mapping {
  std::vector<MapRule> rules;
  std::vector<MapRule> status;      // none or one: http.response.status_code
  std::vector<std::string> record;  // JSON paths whose values become attributes
};

// `output`: what the rules make; the names after `to` are checked for it.
[[nodiscard]] tl::expected<Mapping, yaml::Complaint> parse_mapping(std::string_view text, MapForm output);

}  // namespace fluxrig::gear
