// The three headers that carry a trace from one process to the next, collected from whatever carries them
// (HTTP fields, NATS headers). One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trace/context.hpp"

namespace fluxrig::trace {

class Carrier {
 public:
  // The headers of one message, in their order; names in any case, others are ignored. The reader bounds
  // their sizes. Several tracestate or baggage headers become one list (RFC 9110, 5.3).
  void take(std::string_view name, std::string_view value);
  // For the next message; what was reserved stays.
  void clear() noexcept;

  // As `extract`, and nullopt when there were several traceparent headers: none of them is the caller's.
  [[nodiscard]] std::optional<Context> context() const;
  // As received: trace::bound_baggage makes it fit to be sent on.
  [[nodiscard]] const std::string& baggage() const noexcept { return baggage_; }

 private:
  std::string traceparent_;
  std::string tracestate_;
  std::string baggage_;
  std::uint32_t traceparents_ = 0;
};

}  // namespace fluxrig::trace
