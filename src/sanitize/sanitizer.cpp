#include "sanitize/sanitizer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/assert.hpp"
#include "sanitize/emv.hpp"

namespace fluxrig::sanitize {
namespace {

constexpr std::size_t kLeastTokenDigits = 8;
constexpr std::size_t kTokenBytes = 48;  // at most: "tok_", 8 of the key's id, "_", 32 letters

bool valid_key_id(std::string_view id) noexcept {
  if (id.empty() || id.size() > 8) return false;
  for (const char c : id)
    if (!is_digit(c) && !(c >= 'a' && c <= 'z')) return false;
  return true;
}

}  // namespace

Outcome<TokenKey> load_token_key(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return problem(fmt::format("cannot open the token key '{}': {}; make one with 'fluxrig pki init'", path,
                               std::strerror(errno)));
  struct stat status {};
  char buffer[128];
  const bool readable = ::fstat(fd, &status) == 0;
  const auto size = readable ? ::read(fd, buffer, sizeof buffer) : -1;
  ::close(fd);
  if (size < 0) return problem(fmt::format("cannot read the token key '{}'", path));
  if ((status.st_mode & 077) != 0)
    return problem(fmt::format("the token key '{}' is readable by others; run 'chmod 600 {}'", path, path));
  std::string_view text(buffer, static_cast<std::size_t>(size));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  const auto space = text.find(' ');
  const auto bytes = space == std::string_view::npos ? std::nullopt : from_hex(text.substr(space + 1));
  if (!bytes || bytes->size() != 32 || !valid_key_id(text.substr(0, space)))
    return problem(fmt::format("the token key '{}' is not one line of '<id> <64 hex digits>'", path));
  TokenKey key{std::string(text.substr(0, space)), {}};
  std::memcpy(key.bytes.data(), bytes->data(), key.bytes.size());
  OPENSSL_cleanse(buffer, sizeof buffer);
  return key;
}

Outcome<TokenKey> create_token_key(const std::string& path, std::string id) {
  if (!valid_key_id(id)) return problem("a token key id is 1 to 8 lower-case letters and digits");
  TokenKey key{std::move(id), {}};
  if (::RAND_bytes(key.bytes.data(), static_cast<int>(key.bytes.size())) != 1)
    return problem("the system gave no random bytes for a token key");
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return problem(fmt::format("cannot create the token key '{}': {}", path, std::strerror(errno)));
  const std::string line = fmt::format("{} {}\n", key.id, to_hex({key.bytes.data(), key.bytes.size()}));
  const bool written =
      ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) && ::fsync(fd) == 0;
  ::close(fd);
  if (!written)
    return problem(fmt::format("cannot write the token key '{}': {}", path, std::strerror(errno)));
  return key;
}

// The key is set once; each token begins anew with it, which allocates nothing.
struct Sanitizer::Mac {
  EVP_MAC* algorithm = ::EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_MAC_CTX* keyed = algorithm == nullptr ? nullptr : ::EVP_MAC_CTX_new(algorithm);
  Mac() = default;
  Mac(const Mac&) = delete;
  Mac& operator=(const Mac&) = delete;
  ~Mac() {
    ::EVP_MAC_CTX_free(keyed);
    ::EVP_MAC_free(algorithm);
  }
};

Sanitizer::Sanitizer(TokenKey key) : key_(std::move(key)), mac_(std::make_unique<Mac>()) {
  FR_ASSERT(mac_->keyed != nullptr);
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {::OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                   ::OSSL_PARAM_construct_end()};
  FR_ASSERT(::EVP_MAC_init(mac_->keyed, key_.bytes.data(), key_.bytes.size(), parameters) == 1);
}

Sanitizer::~Sanitizer() { ::OPENSSL_cleanse(key_.bytes.data(), key_.bytes.size()); }

std::optional<std::string> Sanitizer::token(std::string_view value) {
  std::string digits;
  digits.reserve(value.size());  // grown, it would leave digits behind in memory that is not cleansed
  for (const char c : value)
    if (is_digit(c)) digits.push_back(c);
  if (digits.size() < kLeastTokenDigits) return std::nullopt;

  std::uint8_t digest[32];
  std::size_t size = 0;
  const auto* bytes = as_bytes(digits).data();
  const bool done = ::EVP_MAC_init(mac_->keyed, nullptr, 0, nullptr) == 1 &&
                    ::EVP_MAC_update(mac_->keyed, bytes, digits.size()) == 1 &&
                    ::EVP_MAC_final(mac_->keyed, digest, &size, sizeof digest) == 1;
  ::OPENSSL_cleanse(digits.data(), digits.size());
  FR_ASSERT(done && size == sizeof digest);

  // Letters only, so that no scanner ever takes a token for a number.
  static constexpr char kLetters[] = "bcdfghjklmnpqrst";
  std::string token;
  token.reserve(kTokenBytes);
  token.append("tok_").append(key_.id).append("_");
  for (std::size_t i = 0; i < 16; ++i) {
    token.push_back(kLetters[digest[i] >> 4]);
    token.push_back(kLetters[digest[i] & 15]);
  }
  return token;
}

std::optional<Sanitized> Sanitizer::apply(Action action, std::string_view value) {
  switch (action) {
    case Action::kKeep:
      return Sanitized(mask_card_numbers(value));
    case Action::kMask:
      // What is no digit may still be one in another encoding.
      return Sanitized(mask_card_numbers(mask(value)));
    case Action::kToken: {
      if (value.starts_with("tok_")) return Sanitized(mask_card_numbers(value));
      auto made = token(value);
      if (!made) return std::nullopt;
      return Sanitized(*std::move(made));
    }
    case Action::kDrop:
      return std::nullopt;
  }
  return std::nullopt;
}

Result<std::vector<EmvValue>> Sanitizer::emv(ByteView bytes) {
  const auto fields = read_emv(bytes);
  if (!fields) return tl::unexpected(fields.error());
  std::vector<EmvValue> out;
  for (const auto& field : *fields) {
    const bool number = field.action == Action::kToken;
    out.push_back({field.tag, field.action,
                   apply(field.action, number ? packed_digits(field.value) : to_hex(field.value))});
  }
  return out;
}

std::optional<Sanitized> Sanitizer::json(std::string_view text, std::span<const JsonRule> rules) {
  auto cleaned = clean_json(text, rules, [this](Action action, std::string_view value) {
    auto out = apply(action, value);
    return out ? std::optional(std::move(*out).text()) : std::nullopt;
  });
  if (!cleaned) return std::nullopt;
  // What only the whole shows: a name outside the policy with a code after it, say.
  return Sanitized(mask_card_numbers(*cleaned));
}

}  // namespace fluxrig::sanitize
