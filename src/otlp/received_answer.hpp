// The bodies with which a receiver of OTLP/HTTP answers, in the encoding of the request: what
// export_response.hpp reads on the other side. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "otlp/export_response.hpp"
#include "otlp/grpc_status.hpp"

namespace fluxrig::otlp {

// ExportTraceServiceResponse; with a partial_success when something was rejected.
[[nodiscard]] std::string encode_response(const PartialSuccess& partial, Protocol protocol);
// google.rpc.Status. The message is ours: it quotes nothing of the request.
[[nodiscard]] std::string encode_status(GrpcCode code, std::string_view message, Protocol protocol);

}  // namespace fluxrig::otlp
