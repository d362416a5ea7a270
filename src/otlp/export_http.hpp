// OTLP over HTTP/1.1, with or without TLS: one connection to one URL, kept alive between requests. Boost and
// OpenSSL stay in the .cpp.
#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "otlp/export_transport.hpp"
#include "otlp/settings.hpp"

namespace boost::asio {
class io_context;
}

namespace fluxrig::otlp {

struct HttpExportOptions {
  ExportTarget target;
  std::string user_agent;  // "OTel-OTLP-Exporter-fluxrig/0.1.0"
};

// Reads the PEM files of the target now; the problem names the file and what is wrong with it. `io` and
// `clock` outlive the result; all its calls, the destructor included, on the thread that runs `io`, or while
// none does.
//
// An attempt fails when it is not over after the target's timeout. Answers over kMaxResponseBytes, or with a
// head over 16 KiB, are not read to their end. Redirections are not followed.
[[nodiscard]] Outcome<std::unique_ptr<ExportTransport>> make_http_transport(boost::asio::io_context& io,
                                                                            const Clock& clock,
                                                                            HttpExportOptions options);

}  // namespace fluxrig::otlp
