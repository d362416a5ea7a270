// OTLP/gRPC: one HTTP/2 connection to one service of a back end, with or without TLS, kept between calls.
// Boost, OpenSSL and libnghttp2 stay in the .cpp.
#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"
#include "otlp/export_signal.hpp"
#include "otlp/export_transport.hpp"
#include "otlp/settings.hpp"

namespace boost::asio {
class io_context;
}

namespace fluxrig::otlp {

struct GrpcExportOptions {
  Signal signal = Signal::kSpans;
  ExportTarget target;     // the path of its URL means nothing here
  std::string user_agent;  // "OTel-OTLP-Exporter-fluxrig/0.1.0"
};

// As make_http_transport (export_http.hpp). What is sent are framed messages (frame_grpc), compressed where
// the target says so. With TLS the peer must choose HTTP/2 (ALPN "h2"); without it is spoken at once.
[[nodiscard]] Outcome<std::unique_ptr<ExportTransport>> make_grpc_transport(boost::asio::io_context& io,
                                                                            const GrpcExportOptions& options);

}  // namespace fluxrig::otlp
