// The mixer's way to read a stream: a durable consumer with explicit acknowledgement, fetched in batches by
// the caller's own thread. One thread. Acknowledge with Bus::acknowledge(delivery.reply). Must end before its
// bus.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "snake/nats_bus.hpp"

namespace fluxrig::snake {

struct PullRequest {
  std::string stream;
  std::string durable;  // several mixers with one name share the stream
  std::string filter;   // empty: all subjects
  std::chrono::milliseconds acknowledge_wait{30'000};
  std::int64_t max_unacknowledged = 4096;
};

class PullConsumer {
 public:
  // Makes the consumer on the server, or takes the one of this name.
  [[nodiscard]] static Outcome<std::unique_ptr<PullConsumer>> open(NatsBus& bus, const PullRequest& request);
  ~PullConsumer();  // leaves the consumer on the server: unacknowledged messages come again
  PullConsumer(const PullConsumer&) = delete;
  PullConsumer& operator=(const PullConsumer&) = delete;

  // At most `batch` (1 to kMaxBatch) messages; returns with what there is at the timeout, which may be
  // nothing. Blocks. kUnavailable when the connection is away. After a new connection the consumer is
  // made again where the server has lost it with its store; the stream itself is for StreamAdmin.
  [[nodiscard]] Result<std::vector<Delivery>> fetch(int batch, std::chrono::milliseconds timeout);

  static constexpr int kMaxBatch = 4096;

 private:
  struct Native;
  PullConsumer(NatsBus& bus, PullRequest request, std::unique_ptr<Native> native);
  void make_again();

  NatsBus& bus_;
  const PullRequest request_;
  std::unique_ptr<Native> native_;
  std::uint64_t connects_;  // of the bus, when the consumer was last made
};

}  // namespace fluxrig::snake
