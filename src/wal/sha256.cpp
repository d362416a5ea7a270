#include "wal/sha256.hpp"

#include <openssl/evp.h>

#include "base/assert.hpp"

namespace fluxrig::wal {

struct Sha256::Context {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  FR_ASSERT(context_->context != nullptr && EVP_DigestInit_ex(context_->context, EVP_sha256(), nullptr) == 1);
}
Sha256::~Sha256() = default;

void Sha256::add(ByteView bytes) {
  FR_ASSERT(EVP_DigestUpdate(context_->context, bytes.data(), bytes.size()) == 1);
}

model::Hash Sha256::finish() {
  model::Hash hash{};
  FR_ASSERT(EVP_DigestFinal_ex(context_->context, hash.data(), nullptr) == 1);
  return hash;
}

}  // namespace fluxrig::wal
