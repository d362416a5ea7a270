// Owners of OpenSSL's objects, and small files of key material. Private to pki/.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fluxrig::snake {

template <auto Free>
struct OpensslFree {
  template <typename T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using BioHandle = std::unique_ptr<BIO, OpensslFree<BIO_free_all>>;
using KeyHandle = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using X509Handle = std::unique_ptr<X509, OpensslFree<X509_free>>;

// The reason of the last failure, for a sentence; empties OpenSSL's queue of this thread.
[[nodiscard]] std::string openssl_reason();

[[nodiscard]] Outcome<std::string> read_text_file(const std::string& path, std::size_t most);
// At most kMaxCertificateBytes.
[[nodiscard]] Outcome<std::string> read_small_file(const std::string& path);
[[nodiscard]] Outcome<X509Handle> load_certificate(std::string_view pem, std::string_view name);
[[nodiscard]] Outcome<KeyHandle> load_key(std::string_view pem, std::string_view name);

// Writes beside, syncs, renames, syncs the directory: the file is old or new, never half.
[[nodiscard]] Outcome<void> replace_file(const std::string& path, std::string_view text, unsigned mode);
// Creates; fails when it exists.
[[nodiscard]] Outcome<void> create_file(const std::string& path, std::string_view text, unsigned mode);

}  // namespace fluxrig::snake
