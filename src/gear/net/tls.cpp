#include "gear/net/tls.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace fluxrig::gear::net {
namespace {

// OpenSSL's own word for the last error; never holds file content.
std::string last_error() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  const auto* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown reason" : reason;
}

Outcome<void> load_identity(SSL_CTX* context, const TlsFiles& files) {
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1)
    return problem(fmt::format("cannot use the certificate '{}': {}; give a PEM file with the leaf first",
                               files.certificate, last_error()));
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return problem(fmt::format("cannot use the key '{}': {}; give the PEM key of '{}'", files.key,
                               last_error(), files.certificate));
  if (SSL_CTX_check_private_key(context) != 1)
    return problem(
        fmt::format("the key '{}' does not belong to the certificate '{}'", files.key, files.certificate));
  return {};
}

Outcome<void> load_authority(SSL_CTX* context, const std::string& path, bool server) {
  if (SSL_CTX_load_verify_locations(context, path.c_str(), nullptr) != 1)
    return problem(fmt::format("cannot use the authority '{}': {}; give a PEM file of certificates", path,
                               last_error()));
  // Tells clients which authority their certificate must come from.
  if (server) SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(path.c_str()));
  return {};
}

}  // namespace

TlsContext::TlsContext(Side side)
    : side_(side), handle_(SSL_CTX_new(side == Side::kServer ? TLS_server_method() : TLS_client_method())) {
  if (handle_ == nullptr) return;
  SSL_CTX_set_min_proto_version(handle_, TLS1_2_VERSION);
  SSL_CTX_set_options(handle_,
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(handle_, SSL_MODE_RELEASE_BUFFERS);  // an idle connection holds no 34 KB
}

TlsContext::~TlsContext() { SSL_CTX_free(handle_); }

Outcome<std::shared_ptr<TlsContext>> TlsContext::server(const TlsFiles& files) {
  auto made = std::make_shared<TlsContext>(Side::kServer);
  if (made->handle_ == nullptr) return problem(fmt::format("cannot set up TLS: {}", last_error()));
  if (auto loaded = load_identity(made->handle_, files); !loaded) return tl::unexpected(loaded.error());
  // One id for all our servers would let a session move between gears with different authorities.
  const auto id = files.certificate.substr(0, SSL_MAX_SSL_SESSION_ID_LENGTH);
  SSL_CTX_set_session_id_context(made->handle_, reinterpret_cast<const unsigned char*>(id.data()),
                                 static_cast<unsigned>(id.size()));
  if (!files.ca.empty()) {
    if (auto loaded = load_authority(made->handle_, files.ca, true); !loaded)
      return tl::unexpected(loaded.error());
    SSL_CTX_set_verify(made->handle_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_set_session_cache_mode(made->handle_, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(made->handle_, SSL_OP_NO_TICKET);
    made->verifies_ = true;
  }
  return made;
}

Outcome<std::shared_ptr<TlsContext>> TlsContext::client(const TlsFiles& files) {
  auto made = std::make_shared<TlsContext>(Side::kClient);
  if (made->handle_ == nullptr) return problem(fmt::format("cannot set up TLS: {}", last_error()));
  made->verifies_ = files.verify;
  if (!files.certificate.empty())
    if (auto loaded = load_identity(made->handle_, files); !loaded) return tl::unexpected(loaded.error());
  if (files.verify) {
    if (files.ca.empty()) {
      SSL_CTX_set_default_verify_paths(made->handle_);
    } else if (auto loaded = load_authority(made->handle_, files.ca, false); !loaded) {
      return tl::unexpected(loaded.error());
    }
    SSL_CTX_set_verify(made->handle_, SSL_VERIFY_PEER, nullptr);
  }
  return made;
}

}  // namespace fluxrig::gear::net
