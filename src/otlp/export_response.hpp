// The bodies of a back end's answers: Export<Signal>ServiceResponse of a success (opentelemetry-proto,
// collector/*/v1: the same field numbers for all signals) and google.rpc.Status of a failure, in protobuf or
// JSON. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fluxrig::otlp {

enum class Protocol : std::uint8_t { kHttpProtobuf, kHttpJson, kGrpc };

// partial_success. Both empty: all was taken. A message without rejections is a warning.
struct PartialSuccess {
  std::uint64_t rejected = 0;  // spans, data points or log records; a negative number counts as none
  std::string message;         // at most kMaxAnswerText bytes of printable ASCII, the rest as '?'
  friend bool operator==(const PartialSuccess&, const PartialSuccess&) = default;
};
inline constexpr std::size_t kMaxAnswerText = 256;

// Hostile bytes; unknown fields are ignored. kInvalid: not such a message. The empty body is a full success
// in protobuf, as it must be, and in JSON, where it should be "{}".
[[nodiscard]] Result<PartialSuccess> decode_response(std::string_view body, Protocol protocol);

// Status.message as PartialSuccess::message is; empty when the body is something else (an HTML page of a
// proxy).
[[nodiscard]] std::string decode_status_message(std::string_view body, Protocol protocol);

}  // namespace fluxrig::otlp
