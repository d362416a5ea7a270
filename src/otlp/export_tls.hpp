// The client's side of TLS for exports. Includes Boost: private to the module.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "otlp/settings.hpp"

namespace fluxrig::otlp {

// TLS 1.2 and 1.3; peers must have a certificate of the target's authority, or of one of the system's. The
// problem names the file and what is wrong with it.
[[nodiscard]] Outcome<std::unique_ptr<boost::asio::ssl::context>> make_tls_context(
    const ExportTarget& target);

// Why a handshake failed, in better words than the error's where OpenSSL has them.
[[nodiscard]] std::string handshake_failure(ssl_st* session, const boost::system::error_code& error);

}  // namespace fluxrig::otlp
