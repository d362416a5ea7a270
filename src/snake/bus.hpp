// The tunnel as the rest of the code sees it: publish, subscribe, acknowledge. Implemented over NATS
// JetStream by NatsBus, and by the simulator. Every method may be called from any thread and never blocks,
// except where said. What it publishes has passed the gate, by its type. Callbacks run on the bus's own
// threads: post to your own before touching your state.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "sanitize/clean_bytes.hpp"

namespace fluxrig::snake {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Outgoing {
  std::string subject;
  Headers headers;  // names keep their case
  sanitize::CleanBytes payload;
  std::string message_id;  // Nats-Msg-Id; empty: no server-side duplicate detection
};

struct PublishReceipt {
  std::uint64_t stream_sequence = 0;
  bool duplicate = false;
};
using PublishDone = std::function<void(Result<PublishReceipt>)>;

// A message as it arrived. `reply` is what acknowledges it (JetStream) or answers it (request); empty for
// neither.
struct Delivery {
  std::string subject;
  std::string reply;
  Headers headers;
  Bytes payload;
  std::uint64_t deliveries = 1;  // JetStream: how often this message was delivered, this time included
  [[nodiscard]] std::string_view header(
      std::string_view name) const noexcept;  // first match; empty when absent
};
using DeliveryHandler = std::function<void(Delivery)>;

// Ends the subscription when destroyed; after the destructor returns the handler is not called again.
class Subscription {
 public:
  virtual ~Subscription() = default;
};

class Bus {
 public:
  virtual ~Bus() = default;

  // To a JetStream stream. `done` is called exactly once, later, with the stream's acknowledgement or:
  // kTimeout, kFull (stream or server store full), kRefused (permission), kUnavailable (no stream, connection
  // lost). A failure to hand it over at once is returned instead and `done` is dropped: kUnavailable while
  // disconnected, kFull when the window of unacknowledged publishes is full, kOversize over the server's
  // limit.
  [[nodiscard]] virtual Result<void> publish_stream(Outgoing message, PublishDone done) = 0;
  // Plain, at most once.
  [[nodiscard]] virtual Result<void> publish(std::string_view subject,
                                             const sanitize::CleanBytes& payload) = 0;
  // Blocks up to `timeout`; not from a bus callback.
  [[nodiscard]] virtual Result<Bytes> request(std::string_view subject, const sanitize::CleanBytes& payload,
                                              std::chrono::milliseconds timeout) = 0;
  // Survives reconnects.
  [[nodiscard]] virtual Result<std::unique_ptr<Subscription>> subscribe(std::string_view subject,
                                                                        DeliveryHandler handler) = 0;

  // JetStream acknowledgements of a delivery, by its `reply`.
  [[nodiscard]] virtual Result<void> acknowledge(std::string_view reply) = 0;
  [[nodiscard]] virtual Result<void> redeliver_after(std::string_view reply,
                                                     std::chrono::milliseconds delay) = 0;
  [[nodiscard]] virtual Result<void> terminate(std::string_view reply) = 0;  // never deliver again

  // Still being worked on: the time until the next delivery begins again.
  [[nodiscard]] virtual Result<void> in_progress(std::string_view /*reply*/) { return {}; }

  [[nodiscard]] virtual bool connected() const noexcept = 0;
  // Changes when the connection is made anew: publishes reach the server in their order within one.
  [[nodiscard]] virtual std::uint64_t session() const noexcept { return 0; }
  // Publishes that wait for their acknowledgement.
  [[nodiscard]] virtual std::size_t unacknowledged() const noexcept = 0;
};

}  // namespace fluxrig::snake
