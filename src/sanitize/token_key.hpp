// The keys of a deployment: tokens are made under them, and messages on the bus are sealed under keys derived
// from them (seal.hpp). One file, mode 0600, the same on every rack: a line "<id> <64 hex digits>" for the
// key in use, and during a rotation's overlap one more for the key before it. Any thread; the files'
// functions do not lock each other out: one operator at a time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fluxrig::sanitize {

struct TokenKey {
  std::string id;                      // "k1": lower-case letters and digits, at most 8
  std::array<std::uint8_t, 32> bytes;  // one per deployment
};

struct TokenKeys {
  TokenKey current;
  std::optional<TokenKey> previous = std::nullopt;  // of an overlap
};

// Refuses a file that others than its owner may read, and two keys of one id.
[[nodiscard]] Outcome<TokenKeys> load_token_keys(const std::string& path);
// The content of such a file; nullopt: it is none.
[[nodiscard]] std::optional<TokenKeys> parse_token_keys(std::string_view text);
// The one in use.
[[nodiscard]] Outcome<TokenKey> load_token_key(const std::string& path);
// Writes a new random key; refuses to overwrite.
[[nodiscard]] Outcome<TokenKey> create_token_key(const std::string& path, std::string id);
// Puts a new random key before the one in use, which stays for the overlap. Refused during an overlap: a
// third key would make tokens of the first unfindable. Crash-atomic: the file is the old one or the new one.
[[nodiscard]] Outcome<TokenKeys> rotate_token_key(const std::string& path, std::string id);
// Ends the overlap: the previous key is gone for good. The problem says so when there is none.
[[nodiscard]] Outcome<TokenKeys> retire_token_key(const std::string& path);
// Overwrites the file, then unlinks it. Tokens made under its keys can then be made by nobody again, and
// messages sealed under them be read by nobody. Copies (other racks, backups, flash memory) are the
// operator's.
[[nodiscard]] Outcome<void> destroy_token_keys(const std::string& path);

}  // namespace fluxrig::sanitize
