#include "sanitize/seal.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/assert.hpp"
#include "sanitize/build.hpp"

namespace fluxrig::sanitize {
namespace {

// Keeps these keys apart from the tokens', which are made under the deployment's key itself.
constexpr std::string_view kPurpose = "fluxrig message 2";
constexpr std::size_t kNonceBytes = 12;
using Nonce = std::array<std::uint8_t, kNonceBytes>;
using Key = std::array<std::uint8_t, 32>;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { ::EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

Key derive(const TokenKey& key, const SealSalt& salt) {
  EVP_KDF* algorithm = ::EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  EVP_KDF_CTX* context = ::EVP_KDF_CTX_new(algorithm);
  ::EVP_KDF_free(algorithm);
  FR_ASSERT(context != nullptr);
  char digest[] = "SHA256";
  const auto octets = [](const char* name, const auto& bytes) {
    return ::OSSL_PARAM_construct_octet_string(
        name, const_cast<void*>(static_cast<const void*>(bytes.data())), bytes.size());
  };
  const OSSL_PARAM parameters[] = {::OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                                   octets(OSSL_KDF_PARAM_KEY, key.bytes), octets(OSSL_KDF_PARAM_SALT, salt),
                                   octets(OSSL_KDF_PARAM_INFO, kPurpose), ::OSSL_PARAM_construct_end()};
  Key derived{};
  FR_ASSERT(::EVP_KDF_derive(context, derived.data(), derived.size(), parameters) == 1);
  ::EVP_KDF_CTX_free(context);
  return derived;
}

// With its key set; each message then sets only its nonce.
Context keyed(const TokenKey& key, const SealSalt& salt, int sealing) {
  Context context(::EVP_CIPHER_CTX_new());
  Key derived = derive(key, salt);
  FR_ASSERT(context && ::EVP_CipherInit_ex(context.get(), ::EVP_aes_256_gcm(), nullptr, derived.data(),
                                           nullptr, sealing) == 1);
  ::OPENSSL_cleanse(derived.data(), derived.size());
  return context;
}

Nonce nonce_of(std::uint64_t number) noexcept {
  Nonce nonce{};
  for (std::size_t i = 0; i < 8; ++i)
    nonce[kNonceBytes - 1 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return nonce;
}

bool bind(EVP_CIPHER_CTX* context, ByteView bound) noexcept {
  int size = 0;
  return bound.empty() ||
         ::EVP_CipherUpdate(context, nullptr, &size, bound.data(), static_cast<int>(bound.size())) == 1;
}

}  // namespace

struct MessageSeal::Parts {
  TokenKeys keys;
  SealSalt salt{};
  std::uint64_t next = 0;
  Context sealer;
  std::map<std::pair<std::string, SealSalt>, Context> openers;

  [[nodiscard]] const TokenKey* key_of(std::string_view id) const noexcept {
    if (keys.current.id == id) return &keys.current;
    return keys.previous && keys.previous->id == id ? &*keys.previous : nullptr;
  }
  [[nodiscard]] EVP_CIPHER_CTX* opener(const TokenKey& key, const SealSalt& of) {
    const auto found = openers.find({key.id, of});
    if (found != openers.end()) return found->second.get();
    // Bounded, and rare: a sender has one salt for its whole life.
    if (openers.size() >= kMostOpeners) openers.clear();
    return openers.emplace(std::pair{key.id, of}, keyed(key, of, 0)).first->second.get();
  }
};

MessageSeal::MessageSeal(TokenKeys keys) : parts_(std::make_unique<Parts>()) {
  parts_->keys = std::move(keys);
  FR_ASSERT(::RAND_bytes(parts_->salt.data(), static_cast<int>(parts_->salt.size())) == 1);
  parts_->sealer = keyed(parts_->keys.current, parts_->salt, 1);
}

MessageSeal::~MessageSeal() {
  ::OPENSSL_cleanse(parts_->keys.current.bytes.data(), parts_->keys.current.bytes.size());
  if (parts_->keys.previous)
    ::OPENSSL_cleanse(parts_->keys.previous->bytes.data(), parts_->keys.previous->bytes.size());
}

const std::string& MessageSeal::key_id() const noexcept { return parts_->keys.current.id; }

SealedMessage MessageSeal::seal(ByteView message, ByteView bound) {
  SealedMessage sealed{parts_->keys.current.id, parts_->salt, parts_->next++, {}};
  sealed.box.resize(message.size() + kTagBytes);
  if (!kSanitises) {
    std::copy(message.begin(), message.end(), sealed.box.begin());
    return sealed;
  }
  const Nonce nonce = nonce_of(sealed.number);
  auto* context = parts_->sealer.get();
  int size = 0;
  int rest = 0;
  const bool done =
      ::EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data()) == 1 && bind(context, bound) &&
      ::EVP_EncryptUpdate(context, sealed.box.data(), &size, message.data(),
                          static_cast<int>(message.size())) == 1 &&
      ::EVP_EncryptFinal_ex(context, sealed.box.data() + size, &rest) == 1 &&
      ::EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, sealed.box.data() + message.size()) ==
          1;
  FR_ASSERT(done && static_cast<std::size_t>(size) == message.size());
  return sealed;
}

Result<Bytes> MessageSeal::open(const SealedMessage& sealed, ByteView bound) {
  const TokenKey* key = parts_->key_of(sealed.key_id);
  if (key == nullptr) return fail(ErrorCode::kUnsupported, "sealed under a key that this rack does not have");
  if (sealed.box.size() < kTagBytes) return fail(ErrorCode::kInvalid, "the sealed message is too short");
  const std::size_t length = sealed.box.size() - kTagBytes;
  if (!kSanitises) return Bytes(sealed.box.begin(), sealed.box.end() - kTagBytes);
  const Nonce nonce = nonce_of(sealed.number);
  auto* context = parts_->opener(*key, sealed.salt);
  Bytes out(length);
  std::array<std::uint8_t, kTagBytes> tag{};
  std::copy(sealed.box.end() - kTagBytes, sealed.box.end(), tag.begin());
  int size = 0;
  int rest = 0;
  const bool good =
      ::EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data()) == 1 && bind(context, bound) &&
      ::EVP_DecryptUpdate(context, out.data(), &size, sealed.box.data(), static_cast<int>(length)) == 1 &&
      ::EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1 &&
      ::EVP_DecryptFinal_ex(context, out.data() + size, &rest) == 1;
  if (!good) {
    wipe(out);
    return fail(ErrorCode::kInvalid, "the sealed message was altered");
  }
  return out;
}

void wipe(Bytes& bytes) noexcept { ::OPENSSL_cleanse(bytes.data(), bytes.size()); }
void wipe(std::string& text) noexcept { ::OPENSSL_cleanse(text.data(), text.size()); }

}  // namespace fluxrig::sanitize
