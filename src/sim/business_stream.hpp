// The stream of P0 messages on the simulated server, as src/snake sets it up: limits, discard new, duplicates
// told by their message id; durable push consumers with explicit acknowledgement, redelivery, and the end as
// a dead letter. A restart may lose the newest messages and acknowledgements. Part of MessageServer. One
// thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/world.hpp"
#include "snake/bus.hpp"

namespace fluxrig::sim {

class BusinessStream {
 public:
  // snake::ConsumerRequest and snake::StreamSizes.
  static constexpr std::uint64_t kMaxDeliveries = 5;
  static constexpr std::int64_t kAcknowledgeWait = 10 * kNanosPerSecond;
  static constexpr std::size_t kMaxUnacknowledged = 1024;
  static constexpr std::int64_t kDuplicateWindow = 120 * kNanosPerSecond;
  static constexpr std::size_t kRecentAcknowledgements = 16;  // that a restart may forget

  struct Ways {
    std::function<bool(std::string_view subject)> reaches;  // somebody listens
    std::function<void(std::string_view subject, snake::Delivery delivery)> send;
  };
  BusinessStream(World& world, Ways ways) : world_(world), ways_(std::move(ways)) {}

  [[nodiscard]] Result<snake::PublishReceipt> store(const snake::Outgoing& message);
  // On a rack's hello, by the mixer.
  void ensure_consumer(const std::string& name, std::string filter, std::string deliver);

  [[nodiscard]] static bool owns(std::string_view reply) noexcept;
  void acknowledge(std::string_view reply);
  void terminate(std::string_view reply);
  void redeliver_after(std::string_view reply, std::int64_t delay);

  // Somebody listens anew, or the server is up again.
  void look();
  void restart();
  void wipe();
  [[nodiscard]] std::size_t waiting() const noexcept { return messages_.size(); }

 private:
  struct Message {
    snake::Outgoing content;
    Execution number = 0;
    std::uint64_t id = 0;  // over all losses
  };
  struct Waiting {  // delivered, not acknowledged
    std::int64_t deadline = 0;
    std::uint64_t deliveries = 0;
  };
  struct Consumer {
    std::string filter;
    std::string deliver;
    std::uint64_t delivered = 0;  // up to here
    std::map<std::uint64_t, Waiting> unacknowledged;
  };
  // What a reply subject names: `waiting` of `consumer`; null: it waits no more.
  struct Place {
    Consumer* consumer = nullptr;
    std::uint64_t sequence = 0;
    bool another = false;  // its sequence was given again after a loss: the message is another one
  };
  [[nodiscard]] Place place_of(std::string_view reply);
  void turn();
  void serve(Consumer& consumer);
  void deliver(Consumer& consumer, std::uint64_t sequence);
  void look_at(std::int64_t time);
  void forget(std::uint64_t sequence);
  void end(std::uint64_t sequence, bool terminated);
  void lose(std::uint64_t sequence);
  void lose_newest();

  World& world_;
  Ways ways_;
  std::map<std::uint64_t, Message> messages_;  // those that every consumer is done with are gone
  std::uint64_t last_ = 0;
  std::uint64_t made_ = 0;
  std::uint64_t bytes_ = 0;
  std::map<std::string, std::pair<std::uint64_t, std::int64_t>> ids_;  // to sequence and time
  std::map<std::string, Consumer> consumers_;
  std::deque<std::pair<std::uint64_t, Message>> acknowledged_;  // the newest
  std::int64_t turn_at_ = INT64_MAX;
  std::uint64_t turns_ = 0;
};

}  // namespace fluxrig::sim
