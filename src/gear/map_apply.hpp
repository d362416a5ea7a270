// Applies a mapping's rules to one message. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "gear/map_rules.hpp"
#include "gear/message.hpp"

namespace fluxrig::gear {

struct MapInput {
  const Fields& values;   // of the message at hand
  const Fields& request;  // what `copy` finds, under its full name
  UnixNanos now;
  std::uint32_t stan = 0;  // 1..999999
  FluxId flux_id;
};

struct Mapped {
  const MapRule* rule;  // the mapping's
  std::string text;
};

struct MapMistake {
  const MapRule* rule;
  const char* reason;       // a literal
  bool is_missing = false;  // the rule's source has nothing
};

// One entry for each rule that gave a value, in the order of the rules.
[[nodiscard]] tl::expected<std::vector<Mapped>, MapMistake> apply_rules(const std::vector<MapRule>& rules,
                                                                        const MapInput& input);

}  // namespace fluxrig::gear
