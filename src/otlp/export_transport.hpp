// How a request reaches a back end: the seam between the sender's rules and the sockets.
#pragma once

#include <functional>
#include <string_view>

#include "otlp/retry_policy.hpp"

namespace fluxrig::otlp {

// One thread, the sender's.
class ExportTransport {
 public:
  virtual ~ExportTransport() = default;
  // One attempt, bounded in time by the implementation. `body` stays valid until `done` was called, which is
  // once and later, never from within send(). One at a time.
  virtual void send(std::string_view body, std::function<void(Answer)> done) = 0;
  // Breaks off what is under way: its `done` is not called any more.
  virtual void cancel() noexcept = 0;
};

}  // namespace fluxrig::otlp
