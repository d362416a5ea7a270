// decode_traces by encoding. Internal to the module.
#pragma once

#include <string_view>

#include "otlp/received_traces.hpp"

namespace fluxrig::otlp {

[[nodiscard]] Result<ReceivedTraces> decode_protobuf_traces(std::string_view body);
[[nodiscard]] Result<ReceivedTraces> decode_json_traces(std::string_view body);

}  // namespace fluxrig::otlp
