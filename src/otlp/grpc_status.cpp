#include "otlp/grpc_status.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <protozero/pbf_reader.hpp>

#include "base/clock.hpp"
#include "otlp/export_response.hpp"
#include "otlp/retry_after.hpp"
#include "otlp/text.hpp"

namespace fluxrig::otlp {
namespace {

constexpr std::array<std::string_view, 17> kNames{
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// google.protobuf.Duration: seconds, nanos.
std::int64_t duration_of(protozero::pbf_reader reader) {
  std::int64_t seconds = 0;
  std::int64_t nanos = 0;
  while (reader.next()) {
    auto& part = reader.tag() == 1 ? seconds : nanos;
    if (reader.wire_type() != protozero::pbf_wire_type::varint || reader.tag() > 2)
      reader.skip();
    else
      part = reader.get_int64();
  }
  constexpr auto kMost = kMaxRetryAfter / kNanosPerSecond;
  if (seconds >= kMost) return kMaxRetryAfter;
  if (seconds < 0 || nanos < 0) return 0;
  return std::min(seconds * kNanosPerSecond + std::min(nanos, kNanosPerSecond - 1), kMaxRetryAfter);
}

// google.rpc.RetryInfo: without a delay the server names no time, and still lets it be tried again.
std::int64_t delay_of(protozero::pbf_reader reader) {
  std::int64_t delay = 0;
  while (reader.next()) {
    if (reader.tag() == 1 && reader.wire_type() == protozero::pbf_wire_type::length_delimited)
      delay = duration_of(reader.get_message());
    else
      reader.skip();
  }
  return delay;
}

// google.protobuf.Any: type_url, value.
std::optional<std::int64_t> delay_of_detail(protozero::pbf_reader reader) {
  protozero::data_view type;
  protozero::data_view value;
  while (reader.next()) {
    auto& part = reader.tag() == 1 ? type : value;
    if (reader.wire_type() != protozero::pbf_wire_type::length_delimited || reader.tag() > 2)
      reader.skip();
    else
      part = reader.get_view();
  }
  const std::string_view name(type.data(), type.size());
  if (name != "google.rpc.RetryInfo" && !name.ends_with("/google.rpc.RetryInfo")) return std::nullopt;
  return delay_of(protozero::pbf_reader(value));
}

}  // namespace

std::string_view name_of_grpc(unsigned code) noexcept {
  return kNames[code < kNames.size() ? code : static_cast<unsigned>(GrpcCode::kUnknown)];
}

std::optional<unsigned> parse_grpc_status(std::string_view text) noexcept {
  unsigned code = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return code;
}

GrpcCode grpc_code_of_http(unsigned status) noexcept {
  switch (status) {
    case 400:
      return GrpcCode::kInternal;
    case 401:
      return GrpcCode::kUnauthenticated;
    case 403:
      return GrpcCode::kPermissionDenied;
    case 404:
      return GrpcCode::kUnimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return GrpcCode::kUnavailable;
    default:
      return GrpcCode::kUnknown;
  }
}

GrpcCode grpc_code_of_reset(std::uint32_t error) noexcept {
  constexpr std::uint32_t kRefusedStream = 7;
  constexpr std::uint32_t kCancel = 8;
  constexpr std::uint32_t kEnhanceYourCalm = 11;
  constexpr std::uint32_t kInadequateSecurity = 12;
  switch (error) {
    case kRefusedStream:
      return GrpcCode::kUnavailable;
    case kCancel:
      return GrpcCode::kCancelled;
    case kEnhanceYourCalm:
      return GrpcCode::kResourceExhausted;
    case kInadequateSecurity:
      return GrpcCode::kPermissionDenied;
    default:
      return GrpcCode::kInternal;
  }
}

bool may_retry_grpc(unsigned code, bool says_when) noexcept {
  switch (static_cast<GrpcCode>(std::min(code, 255U))) {
    case GrpcCode::kCancelled:
    case GrpcCode::kDeadlineExceeded:
    case GrpcCode::kAborted:
    case GrpcCode::kOutOfRange:
    case GrpcCode::kUnavailable:
    case GrpcCode::kDataLoss:
      return true;
    case GrpcCode::kResourceExhausted:
      return says_when;
    default:
      return false;
  }
}

std::string decode_grpc_message(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size() && out.size() < kMaxAnswerText; ++i) {
    char c = text[i];
    // What is no code stands for itself: servers are told not to fail on it either.
    if (c == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      c = static_cast<char>(16 * hex_digit(text[i + 1]) + hex_digit(text[i + 2]));
      i += 2;
    }
    out += c < 0x20 || c > 0x7e ? '?' : c;
  }
  return out;
}

std::optional<std::int64_t> grpc_retry_delay(std::string_view details) {
  const auto bytes = from_base64(details);
  if (!bytes) return std::nullopt;
  try {
    protozero::pbf_reader status(bytes->data(), bytes->size());
    while (status.next()) {
      if (status.tag() != 3 || status.wire_type() != protozero::pbf_wire_type::length_delimited) {
        status.skip();
        continue;
      }
      if (const auto delay = delay_of_detail(status.get_message())) return delay;
    }
  } catch (const protozero::exception&) {
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace fluxrig::otlp
