#include "sanitize/sanitizer.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/assert.hpp"
#include "sanitize/build.hpp"
#include "sanitize/emv.hpp"

namespace fluxrig::sanitize {
namespace {

constexpr std::size_t kLeastTokenDigits = 8;
constexpr std::size_t kTokenBytes = 48;  // at most: "tok_", 8 of the key's id, "_", 32 letters

}  // namespace

// The key is set once; each token begins anew with it, which allocates nothing.
class Sanitizer::Mac {
 public:
  explicit Mac(TokenKey key) : key_(std::move(key)) {
    FR_ASSERT(keyed_ != nullptr);
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {::OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                     ::OSSL_PARAM_construct_end()};
    FR_ASSERT(::EVP_MAC_init(keyed_, key_.bytes.data(), key_.bytes.size(), parameters) == 1);
  }
  Mac(const Mac&) = delete;
  Mac& operator=(const Mac&) = delete;
  ~Mac() {
    ::EVP_MAC_CTX_free(keyed_);
    ::EVP_MAC_free(algorithm_);
    ::OPENSSL_cleanse(key_.bytes.data(), key_.bytes.size());
  }
  [[nodiscard]] std::optional<std::string> token(std::string_view value);
  [[nodiscard]] std::string text_token(std::string_view text);

 private:
  [[nodiscard]] std::string token_of_bytes(std::string_view bytes);

  TokenKey key_;
  EVP_MAC* algorithm_ = ::EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_MAC_CTX* keyed_ = algorithm_ == nullptr ? nullptr : ::EVP_MAC_CTX_new(algorithm_);
};

std::optional<std::string> Sanitizer::Mac::token(std::string_view value) {
  std::string digits;
  digits.reserve(value.size());  // grown, it would leave digits behind in memory that is not cleansed
  for (const char c : value)
    if (is_digit(c)) digits.push_back(c);
  if (digits.size() < kLeastTokenDigits) return std::nullopt;

  auto token = token_of_bytes(digits);
  ::OPENSSL_cleanse(digits.data(), digits.size());
  return token;
}

// Never the token of a number: those are made of digits alone, and this begins with a letter.
std::string Sanitizer::Mac::text_token(std::string_view text) {
  return token_of_bytes(std::string("text ").append(text));
}

std::string Sanitizer::Mac::token_of_bytes(std::string_view bytes) {
  std::uint8_t digest[32];
  std::size_t size = 0;
  const bool done = ::EVP_MAC_init(keyed_, nullptr, 0, nullptr) == 1 &&
                    ::EVP_MAC_update(keyed_, as_bytes(bytes).data(), bytes.size()) == 1 &&
                    ::EVP_MAC_final(keyed_, digest, &size, sizeof digest) == 1;
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

Sanitizer::Sanitizer(TokenKeys keys) : current_(std::make_unique<Mac>(std::move(keys.current))) {
  if (keys.previous) previous_ = std::make_unique<Mac>(*std::move(keys.previous));
}

Sanitizer::~Sanitizer() = default;

std::optional<std::string> Sanitizer::token(std::string_view value) { return current_->token(value); }

std::optional<Sanitized> Sanitizer::previous_token(std::string_view value) {
  if (previous_ == nullptr || value.starts_with("tok_")) return std::nullopt;
  auto made = previous_->token(value);
  if (!made) return std::nullopt;
  return Sanitized(*std::move(made));
}

std::optional<Sanitized> Sanitizer::apply(Action action, std::string_view value) {
  if (!kSanitises) return Sanitized(std::string(value));
  switch (action) {
    case Action::kReference:
      if (value.size() <= kMostReference) return Sanitized(std::string(value));
      return Sanitized(mask_card_numbers(value));
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

Sanitizer::Ruled Sanitizer::rule(std::string_view field, Sanitized value) {
  if (!kSanitises || rules_ == nullptr) return {std::move(value), Action::kKeep};
  const auto token = [this](std::string_view text) { return current_->text_token(text); };
  auto ruled = rules_->apply(field, value.text(), token);
  if (!ruled.text) return {std::nullopt, ruled.strictest};
  if (ruled.strictest == Action::kKeep) return {std::move(value), Action::kKeep};
  return {Sanitized(mask_card_numbers(*ruled.text)), ruled.strictest};
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
