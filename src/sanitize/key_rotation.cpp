#include "sanitize/key_rotation.hpp"

#include <fmt/format.h>
#include <openssl/rand.h>

#include "base/bytes.hpp"
#include "sanitize/scan/card_number.hpp"

namespace fluxrig::sanitize {
namespace {

std::string line_of(const TokenKey& key) {
  return fmt::format("{} {}\n", key.id, to_hex({key.bytes.data(), key.bytes.size()}));
}

}  // namespace

bool valid_key_id(std::string_view id) noexcept {
  if (id.empty() || id.size() > 8) return false;
  for (const char c : id)
    if (!is_digit(c) && !(c >= 'a' && c <= 'z')) return false;
  return true;
}

std::string to_text(const TokenKeys& keys) {
  return keys.previous ? line_of(keys.current) + line_of(*keys.previous) : line_of(keys.current);
}

Outcome<TokenKey> new_token_key(std::string id) {
  if (!valid_key_id(id)) return problem("a token key id is 1 to 8 lower-case letters and digits");
  TokenKey key{std::move(id), {}};
  if (::RAND_bytes(key.bytes.data(), static_cast<int>(key.bytes.size())) != 1)
    return problem("the system gave no random bytes for a token key");
  return key;
}

Outcome<TokenKeys> rotated(TokenKeys keys, std::string id) {
  if (keys.previous)
    return problem(
        fmt::format("they are in the overlap from {} to {} already; end it with 'fluxrig keys retire'",
                    keys.previous->id, keys.current.id));
  if (id == keys.current.id) return problem(fmt::format("the key in use has the id '{}' already", id));
  auto key = new_token_key(std::move(id));
  if (!key) return tl::unexpected(key.error());
  return TokenKeys{*std::move(key), std::move(keys.current)};
}

Outcome<TokenKeys> retired(TokenKeys keys) {
  if (!keys.previous) return problem("there is no previous key; nothing to retire");
  keys.previous.reset();
  return keys;
}

}  // namespace fluxrig::sanitize
