// Keys made, rotated and retired in memory: for those that are kept in a file (token_key.hpp) and for those
// that are kept elsewhere (key_command.hpp). Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "sanitize/token_key.hpp"

namespace fluxrig::sanitize {

[[nodiscard]] bool valid_key_id(std::string_view id) noexcept;
[[nodiscard]] Outcome<TokenKey> new_token_key(std::string id);
// A new key in use, and the one before for the overlap. Refused during an overlap: a third key would make
// tokens of the first unfindable.
[[nodiscard]] Outcome<TokenKeys> rotated(TokenKeys keys, std::string id);
// Without the key before; the problem says so when there is none.
[[nodiscard]] Outcome<TokenKeys> retired(TokenKeys keys);
// What a file of these keys holds. Its owner wipes it.
[[nodiscard]] std::string to_text(const TokenKeys& keys);

}  // namespace fluxrig::sanitize
