// JSON bodies as flat fields and back: {"card":{"pan":"4..."},"items":[1]} is "card.pan" and "items.0".
// Numbers keep the text they were written in. The only place that includes Boost.JSON. Pure; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "gear/message.hpp"

namespace fluxrig::gear {

inline constexpr std::size_t kMaxJsonBytes = 1U << 20;
inline constexpr std::size_t kMaxJsonDepth = 16;
inline constexpr std::size_t kMaxJsonValues = 512;

// Replaces `fields`. null and empty objects leave nothing. Refused: what is no JSON object, two values under
// one path, names that are empty or hold a dot, and anything over the limits.
[[nodiscard]] Result<void> flatten_json(std::string_view body, Fields& fields);

enum class JsonType : std::uint8_t { kText, kNumber, kBoolean };

struct JsonValue {
  std::string_view path;  // "response.code"; no path may be the beginning of another
  std::string_view text;
  JsonType type = JsonType::kText;
};

// An object with the values in their order; those of one parent must be neighbours. kInvalid: a number or
// boolean whose text is none (leading zeros are taken off).
[[nodiscard]] Result<std::string> render_json(std::span<const JsonValue> values);

}  // namespace fluxrig::gear
