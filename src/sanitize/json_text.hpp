// JSON (RFC 8259), member by member: by path, by name, and every string and number through the search. Any
// thread.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sanitize/policy.hpp"

namespace fluxrig::sanitize {

// Comes before the policy by name: the whole path, "payment.card.number". Elements of an array have its path.
struct JsonRule {
  std::string path;
  Action action = Action::kDrop;
};

// What becomes of one value: unescaped text in, text without the need of escaping out; nullopt becomes null.
using JsonLeaf = std::function<std::optional<std::string>(Action, std::string_view)>;

inline constexpr std::size_t kMostJsonBytes = std::size_t{1} << 20;
inline constexpr unsigned kMostJsonDepth = 64;

// The document without blanks: dropped values are null, numbers that had to change are strings. An action on
// an object or array holds for everything in it, unless a name in it asks for more. nullopt when it is no
// JSON, too deep or too long: a payload that does not parse is not shown.
[[nodiscard]] std::optional<std::string> clean_json(std::string_view text, std::span<const JsonRule> rules,
                                                    const JsonLeaf& leaf);

}  // namespace fluxrig::sanitize
