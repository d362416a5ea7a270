#include "otlp/export_tls.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <array>
#include <boost/asio/ssl/error.hpp>

namespace fluxrig::otlp {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

Outcome<std::unique_ptr<ssl::context>> make_tls_context(const ExportTarget& target) {
  auto context = std::make_unique<ssl::context>(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  if (target.protocol == Protocol::kGrpc) {
    static constexpr std::array<unsigned char, 3> kHttp2{2, 'h', '2'};
    SSL_CTX_set_alpn_protos(context->native_handle(), kHttp2.data(), kHttp2.size());
  }
  context->set_options(ssl::context::default_workarounds | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  error_code error;
  context->set_verify_mode(ssl::verify_peer, error);
  if (target.ca.empty())
    context->set_default_verify_paths(error);
  else
    context->load_verify_file(target.ca, error);
  if (error)
    return problem(fmt::format("cannot use the authority '{}': {}; give a PEM file of certificates",
                               target.ca, error.message()));
  if (target.certificate.empty()) return context;
  context->use_certificate_chain_file(target.certificate, error);
  if (error)
    return problem(fmt::format("cannot use the certificate '{}': {}; give a PEM file with the leaf first",
                               target.certificate, error.message()));
  context->use_private_key_file(target.key, ssl::context::pem, error);
  if (error)
    return problem(fmt::format("cannot use the key '{}': {}; give the PEM key of '{}'", target.key,
                               error.message(), target.certificate));
  return context;
}

std::string handshake_failure(ssl_st* session, const error_code& error) {
  const auto is = [&](int reason) {
    return error.category() == boost::asio::error::get_ssl_category() &&
           ERR_GET_REASON(static_cast<unsigned long>(error.value())) == reason;
  };
  if (is(SSL_R_WRONG_VERSION_NUMBER)) return "it speaks no TLS; is the endpoint http://?";
  if (!is(SSL_R_CERTIFICATE_VERIFY_FAILED)) return "the TLS handshake failed: " + error.message();
  const auto verdict = SSL_get_verify_result(session);
  // Only the name can be what is wrong then.
  if (verdict == X509_V_OK || verdict == X509_V_ERR_UNSPECIFIED)
    return "its certificate is not for the endpoint's host";
  return std::string("its certificate is not accepted: ") + X509_verify_cert_error_string(verdict);
}

}  // namespace fluxrig::otlp
