// Expected failures as values. `Error` is for code that can fail often (no heap: a code, an errno and a
// string literal); `Problem` is for what a person reads once (start-up, configuration, commands).
// Any thread; values only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace fluxrig {

enum class ErrorCode : std::uint8_t {
  kInvalid,      // outside bytes break their format
  kTruncated,    // the input ended early; more bytes may make it valid
  kOversize,     // over a named limit
  kUnsupported,  // a known but not accepted version or feature
  kNotFound,
  kExists,
  kUnavailable,  // the peer or the bus is away; trying again later may work
  kTimeout,
  kRefused,  // permission, policy, pressure
  kFull,     // no space: disk, stream, queue
  kIo,       // the operating system said no: see `os_error`
  kCorrupt,  // stored bytes are not what was written
  kInternal,
};

[[nodiscard]] std::string_view to_string(ErrorCode code) noexcept;

struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::kInternal;
  int os_error = 0;         // errno, 0 when none
  const char* detail = "";  // a string literal: never null, never freed, never holds outside bytes

  friend bool operator==(const Error& a, const Error& b) noexcept {
    return a.code == b.code && a.os_error == b.os_error;
  }
};

// "io: cannot append to the segment: No space left on device"
[[nodiscard]] std::string to_string(const Error& error);

template <typename T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, const char* detail,
                                                int os_error = 0) noexcept {
  return tl::unexpected<Error>(Error{code, os_error, detail});
}

// A sentence for a person: names the thing, the cause and the next step.
struct [[nodiscard]] Problem {
  std::string message;
};

template <typename T>
using Outcome = tl::expected<T, Problem>;

[[nodiscard]] inline tl::unexpected<Problem> problem(std::string message) {
  return tl::unexpected<Problem>(Problem{std::move(message)});
}

}  // namespace fluxrig
