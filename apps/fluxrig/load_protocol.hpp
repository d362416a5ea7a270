// What the load engine needs to know of a protocol: how a request looks and where a reply ends. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.hpp"

namespace fluxrig::client {

struct LoadRequest {
  std::uint64_t key = 0;  // by which its reply is known on the connection; 0: replies come in order
  TraceId trace_id;       // zero: none was sent
};

struct LoadReply {
  enum class Kind : std::uint8_t {
    kIncomplete,  // more bytes are needed; nothing was taken
    kReply,
    kIgnored,  // `used` bytes that are no reply: a poll, an interim response
    kBroken,   // the stream cannot go on
  };
  Kind kind = Kind::kIncomplete;
  std::size_t used = 0;
  std::uint64_t key = 0;
  unsigned status = 0;       // 0..999: HTTP status, ISO 8583 response code
  bool success = false;      // by the protocol's meaning of `status`
  bool last = false;         // the peer will close the connection
  std::string_view flux_id;  // into the input; empty: none
};

class LoadProtocol {
 public:
  virtual ~LoadProtocol() = default;
  // Appends the bytes of request `n` (from 1).
  virtual LoadRequest append_request(std::uint64_t n, std::string& out) = 0;
  // The first reply in hostile bytes.
  [[nodiscard]] virtual LoadReply parse(std::string_view bytes) = 0;
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  // Replies are matched by key: one that is late does not spoil the connection.
  [[nodiscard]] virtual bool has_keys() const noexcept = 0;
};

}  // namespace fluxrig::client
