// The server between racks and mixer: streams with limits, one durable consumer each with explicit
// acknowledgement and redelivery, and plain subjects. It loses what a real one may lose: the end of a stream
// at a restart, everything at a wipe. A model of NATS JetStream as src/snake uses it. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mixer/api/api.hpp"
#include "sim/business_stream.hpp"
#include "sim/world.hpp"
#include "snake/bus.hpp"

namespace fluxrig::sim {

// What a bus and the server share of one process's end of the connection.
struct Peer {
  struct Subscriber {
    std::string subject;
    snake::DeliveryHandler handler;
  };
  // What has not arrived by then never does: the connection broke, or a process died.
  static constexpr std::int64_t kNever = INT64_MAX;
  struct Connection {
    std::int64_t cut = kNever;
    std::uint64_t life = 0;          // of the server
    std::int64_t last_delivery = 0;  // they arrive in the order of sending
  };
  std::shared_ptr<Connection> connection;  // null while away
  std::map<std::uint64_t, Subscriber> subscribers;
  std::function<void()> touched;  // after each callback; may be empty
};

class MessageServer {
 public:
  static constexpr std::int64_t kAcknowledgeWait = 10 * kNanosPerSecond;
  static constexpr std::size_t kMaxUnacknowledged = 4096;

  explicit MessageServer(World& world);

  [[nodiscard]] bool up() const noexcept { return up_; }
  // Down, it ends its life and all connections with it.
  void set_up(bool up) {
    if (up_ && !up) ++life_;
    up_ = up;
    if (up) business_.look();
  }

  [[nodiscard]] std::uint64_t life() const noexcept { return life_; }
  // What is on its way over this connection arrives now.
  [[nodiscard]] bool hears(const Peer::Connection& connection) const noexcept {
    return up_ && connection.life == life_ && world_.schedule.now() < connection.cut;
  }

  [[nodiscard]] Result<snake::PublishReceipt> store(const snake::Outgoing& message);
  [[nodiscard]] std::vector<snake::Delivery> pull(std::string_view stream, std::size_t most);
  void acknowledge(std::string_view reply);
  void redeliver_after(std::string_view reply, std::int64_t delay);
  // To whoever listens at this moment, each after a delay of its own.
  void publish(std::string_view subject, const snake::Delivery& delivery);
  void connect(const std::shared_ptr<Peer>& peer) { peers_.push_back(peer); }
  // The streams of the mixer are pulled from; the messages between racks are pushed.
  [[nodiscard]] BusinessStream& business() noexcept { return business_; }

  // As after a restart: the newest messages may be gone, and their sequences are given again.
  void lose_tails();
  void terminate(std::string_view reply);
  void wipe();

  // The mixer's streams take nothing for so long, as a server without room or memory; 0: they do again.
  void refuse_for(std::int64_t nanos);

  // As a look at the streams tells the mixer; empty: the server does not answer.
  [[nodiscard]] std::vector<mixer::StreamFill> fills() const;
  // Messages that wait for the mixer.
  [[nodiscard]] std::size_t waiting() const noexcept;
  // Something was stored.
  void on_message(std::function<void()> call) { on_message_ = std::move(call); }

 private:
  struct Waiting {  // delivered, not acknowledged
    std::int64_t deadline = 0;
    std::uint64_t deliveries = 0;
  };
  struct Message {
    snake::Outgoing content;
    std::uint64_t id = 0;  // over all losses
  };
  struct Stream {
    std::string name;
    std::string prefix;  // of its subjects
    std::uint64_t max_bytes = 0;
    std::uint64_t last = 0;
    std::uint64_t bytes = 0;
    std::map<std::uint64_t, Message> messages;  // those acknowledged are gone
    std::uint64_t delivered = 0;
    std::map<std::uint64_t, Waiting> unacknowledged;
  };
  [[nodiscard]] Stream* stream_of(std::string_view subject);
  struct Place {
    Stream* stream = nullptr;
    std::uint64_t sequence = 0;
    std::uint64_t id = 0;
  };
  // What a reply subject names.
  [[nodiscard]] Place place_of(std::string_view reply);
  void drop(Stream& stream, std::uint64_t sequence);
  void forget(Stream& stream, std::uint64_t sequence);
  [[nodiscard]] snake::Delivery deliver(Stream& stream, std::uint64_t sequence);

  [[nodiscard]] bool reaches(std::string_view subject);

  World& world_;
  BusinessStream business_;
  bool up_ = true;
  std::uint64_t life_ = 1;
  std::int64_t refuses_until_ = 0;
  std::uint64_t made_ = 0;
  std::vector<Stream> streams_;
  std::vector<std::weak_ptr<Peer>> peers_;
  std::function<void()> on_message_;
};

}  // namespace fluxrig::sim
