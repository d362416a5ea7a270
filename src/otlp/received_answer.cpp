#include "otlp/received_answer.hpp"

#include <fmt/format.h>

#include <protozero/pbf_writer.hpp>

#include "base/diagnostics.hpp"

namespace fluxrig::otlp {

std::string encode_response(const PartialSuccess& partial, Protocol protocol) {
  const bool is_full = partial.rejected == 0 && partial.message.empty();
  if (protocol == Protocol::kHttpJson)
    return is_full ? "{}"
                   : fmt::format(R"({{"partialSuccess":{{"rejectedSpans":"{}","errorMessage":"{}"}}}})",
                                 partial.rejected, escape_json(partial.message));
  std::string body;
  if (is_full) return body;
  protozero::pbf_writer response(body);
  protozero::pbf_writer inner(response, 1);
  inner.add_int64(1, static_cast<std::int64_t>(partial.rejected));
  inner.add_string(2, partial.message);
  inner.commit();
  return body;
}

std::string encode_status(GrpcCode code, std::string_view message, Protocol protocol) {
  if (protocol == Protocol::kHttpJson)
    return fmt::format(R"({{"code":{},"message":"{}"}})", static_cast<int>(code), escape_json(message));
  std::string body;
  protozero::pbf_writer status(body);
  status.add_int32(1, static_cast<int>(code));
  status.add_string(2, message.data(), message.size());
  return body;
}

}  // namespace fluxrig::otlp
