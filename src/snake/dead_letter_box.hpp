// The dead letters in FLUX_DLQ for an operator: look, try again, drop. Blocking, any thread but a bus
// callback's; the bus is a mixer's and outlives it. Payloads stay here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "snake/nats_bus.hpp"

namespace fluxrig::snake {

struct DeadLetter {
  std::uint64_t sequence = 0;  // in FLUX_DLQ: its name
  UnixNanos time;              // when it became one
  std::string consumer;        // <rack>__<gear> that gave it up
  std::string subject;         // it was published on
  std::string reason;          // max_deliveries, terminated
  std::uint64_t deliveries = 0;
  std::uint64_t stream_sequence = 0;  // in FLUX_MSG
  std::string flux_id;                // empty: none
  std::string request;                // flux-request; empty: none
  std::string traceparent;
  std::string content_type;
  std::uint64_t payload_bytes = 0;
};

class DeadLetterBox {
 public:
  static constexpr std::size_t kMaxPage = 500;
  static constexpr std::size_t kMaxLooked = 5'000;  // letters that one page may look at

  explicit DeadLetterBox(NatsBus& bus) noexcept : bus_(bus) {}

  struct Page {
    std::vector<DeadLetter> letters;
    std::uint64_t next_after = 0;  // 0: there are no more
  };
  // In the order in which they came, after sequence `after`; of one consumer when it is named.
  [[nodiscard]] Result<Page> list(std::uint64_t after, std::size_t limit, const std::string& consumer);
  // kNotFound: there is none of this sequence (any more).
  [[nodiscard]] Result<DeadLetter> get(std::uint64_t sequence);
  // Publishes it again on its subject, for the consumer that gave it up and under a new request id that
  // follows from the letter; drops it when the stream has it. Repeated after a failure it repeats nothing.
  [[nodiscard]] Result<DeadLetter> retry(std::uint64_t sequence);
  // Its bytes are overwritten.
  [[nodiscard]] Result<DeadLetter> drop(std::uint64_t sequence);

 private:
  [[nodiscard]] Result<void> erase(std::uint64_t sequence);
  NatsBus& bus_;
};

// What is published when `letter` is tried again. Separate for its tests.
[[nodiscard]] Outgoing to_retry(const Delivery& letter, std::uint64_t sequence, UnixNanos time);

}  // namespace fluxrig::snake
