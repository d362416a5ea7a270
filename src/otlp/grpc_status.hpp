// What a gRPC server says of a call: its status code, by the words of gRPC ("Status codes and their use in
// gRPC", "PROTOCOL-HTTP2", "HTTP to gRPC status code mapping") and of OTLP/gRPC ("Failures", "OTLP/gRPC
// Throttling"). Texts are hostile. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fluxrig::otlp {

enum class GrpcCode : std::uint8_t {
  kOk,
  kCancelled,
  kUnknown,
  kInvalidArgument,
  kDeadlineExceeded,
  kNotFound,
  kAlreadyExists,
  kPermissionDenied,
  kResourceExhausted,
  kFailedPrecondition,
  kAborted,
  kOutOfRange,
  kUnimplemented,
  kInternal,
  kUnavailable,
  kDataLoss,
  kUnauthenticated,
};

// "UNAVAILABLE". A number that is none of the codes is "UNKNOWN", as gRPC wants it read.
[[nodiscard]] std::string_view name_of_grpc(unsigned code) noexcept;

// The field grpc-status: decimal digits. nullopt: no number.
[[nodiscard]] std::optional<unsigned> parse_grpc_status(std::string_view text) noexcept;

// For answers without grpc-status: of a proxy, or of a server that is none of gRPC.
[[nodiscard]] GrpcCode grpc_code_of_http(unsigned status) noexcept;
// Of RST_STREAM with this error code of HTTP/2.
[[nodiscard]] GrpcCode grpc_code_of_reset(std::uint32_t error) noexcept;

// Whether OTLP lets the same request be sent again. RESOURCE_EXHAUSTED only when the server says when.
[[nodiscard]] bool may_retry_grpc(unsigned code, bool says_when) noexcept;

// The field grpc-message, percent-encoded: at most kMaxAnswerText bytes of printable ASCII, the rest as '?'.
[[nodiscard]] std::string decode_grpc_message(std::string_view text);

// The field grpc-status-details-bin: google.rpc.Status in base64, with or without padding. Nanoseconds to
// wait by its google.rpc.RetryInfo, 0 to kMaxRetryAfter; nullopt: there is none, or the field is something
// else.
[[nodiscard]] std::optional<std::int64_t> grpc_retry_delay(std::string_view details);

}  // namespace fluxrig::otlp
