#include "base/result.hpp"

#include <fmt/format.h>

#include <cstring>

namespace fluxrig {

std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kInvalid:
      return "invalid";
    case ErrorCode::kTruncated:
      return "truncated";
    case ErrorCode::kOversize:
      return "oversize";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kExists:
      return "exists";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kTimeout:
      return "timeout";
    case ErrorCode::kRefused:
      return "refused";
    case ErrorCode::kFull:
      return "full";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

std::string to_string(const Error& error) {
  if (error.os_error == 0) return fmt::format("{}: {}", to_string(error.code), error.detail);
  // strerror_r of glibc returns a pointer that may or may not be the buffer.
  char buffer[128];
  return fmt::format("{}: {}: {}", to_string(error.code), error.detail,
                     ::strerror_r(error.os_error, buffer, sizeof buffer));
}

}  // namespace fluxrig
