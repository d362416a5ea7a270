// How messages are told apart on a TCP stream. Pure functions over bytes: no sockets. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fluxrig::gear::net {

enum class Framing : std::uint8_t {
  kLength2,  // 2 bytes, big-endian: the length of what follows
  kLength4,  // 4 bytes, big-endian
  kAscii4,   // 4 ASCII digits
  kNewline,  // ends with LF; a CR before it is taken off
};

// "length2", "length4", "ascii4", "newline".
[[nodiscard]] std::optional<Framing> framing_of(std::string_view name) noexcept;

struct Frame {
  enum class Kind : std::uint8_t {
    kMessage,     // `payload` is one message, `used` bytes of the input were taken
    kPoll,        // an empty frame; `used` bytes were taken
    kIncomplete,  // more bytes are needed; nothing was taken
    kOversize,    // longer than the limit: the stream cannot go on
    kBroken,      // no length where one must be: the stream cannot go on
  };
  Kind kind = Kind::kIncomplete;
  std::size_t used = 0;
  std::string_view payload;  // into the input
};

// The first frame of `bytes`. Never looks further than `max_frame` plus the length field.
[[nodiscard]] Frame next_frame(Framing framing, std::string_view bytes, std::size_t max_frame) noexcept;

// Appends one frame to `out`. False, and nothing is appended, when the framing cannot carry the payload (too
// long for the length field, or a newline within).
[[nodiscard]] bool append_frame(Framing framing, std::string_view payload, std::string& out);

// Bytes around a payload.
[[nodiscard]] std::size_t overhead(Framing framing) noexcept;

}  // namespace fluxrig::gear::net
