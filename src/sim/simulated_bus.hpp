// One process's end of the bus: delays, loses, doubles and breaks as the plan says, and dies with its
// process. Callbacks come from the schedule, never from within a call. One thread; the world and the server
// outlive it.
#pragma once

#include <map>
#include <memory>

#include "model/block.hpp"
#include "sim/message_server.hpp"
#include "snake/bus.hpp"

namespace fluxrig::sim {

class SimulatedBus final : public snake::Bus {
 public:
  static constexpr std::size_t kWindow = 256;  // publishes without their acknowledgement
  static constexpr std::int64_t kTimeout = 5 * kNanosPerSecond;
  // A request to the mixer, answered at once; nullopt: nobody answers.
  using Answer = std::function<std::optional<Bytes>(std::string_view subject, ByteView payload)>;

  SimulatedBus(World& world, MessageServer& server, Answer answer);
  ~SimulatedBus() override;

  [[nodiscard]] Result<void> publish_stream(snake::Outgoing message, snake::PublishDone done) override;
  [[nodiscard]] Result<void> publish(std::string_view subject, const sanitize::CleanBytes& payload) override;
  [[nodiscard]] Result<Bytes> request(std::string_view subject, const sanitize::CleanBytes& payload,
                                      std::chrono::milliseconds timeout) override;
  [[nodiscard]] Result<std::unique_ptr<snake::Subscription>> subscribe(
      std::string_view subject, snake::DeliveryHandler handler) override;
  [[nodiscard]] Result<void> acknowledge(std::string_view reply) override;
  [[nodiscard]] Result<void> redeliver_after(std::string_view reply,
                                             std::chrono::milliseconds delay) override;
  [[nodiscard]] Result<void> terminate(std::string_view reply) override;
  [[nodiscard]] Result<void> in_progress(std::string_view reply) override;
  [[nodiscard]] bool connected() const noexcept override { return !dead_ && peer_->connection != nullptr; }
  [[nodiscard]] std::uint64_t session() const noexcept override { return sessions_; }
  [[nodiscard]] std::size_t unacknowledged() const noexcept override { return window_->size(); }
  // Of the mixer: a stream's messages.
  [[nodiscard]] Result<std::vector<snake::Delivery>> pull(std::string_view stream, std::size_t most);

  void connect();
  // Called after each callback into the process.
  void on_touched(std::function<void()> touched) { peer_->touched = std::move(touched); }
  // What waits for its acknowledgement fails now; what is on its way may still arrive.
  void disconnect();

  // After so many more operations the process is dead: nothing that it still does has an effect.
  void die_after(std::uint64_t operations) noexcept { left_ = operations; }
  void die() noexcept { dead_ = true; }
  [[nodiscard]] bool dead() const noexcept { return dead_; }
  // One operation; false: the process is dead.
  [[nodiscard]] bool spend() noexcept;

 private:
  struct Pending {
    snake::PublishDone done;
    std::optional<model::BlockHead> telemetry;
    std::optional<Execution> message;  // of lane P0
  };
  using Window = std::map<std::uint64_t, Pending>;
  using Connection = std::shared_ptr<Peer::Connection>;

  [[nodiscard]] Result<void> ready();
  // When the next message reaches the server: in the order of sending.
  [[nodiscard]] std::int64_t arrival();
  void arrive(const snake::Outgoing& message, std::uint64_t ticket, const Connection& connection);
  void break_connection();
  void to_server(std::string_view reply, void (MessageServer::*call)(std::string_view));
  static void complete(World& world, Window& window, std::uint64_t ticket,
                       const Result<snake::PublishReceipt>& result);

  World& world_;
  MessageServer& server_;
  Answer answer_;
  std::shared_ptr<Peer> peer_ = std::make_shared<Peer>();
  std::shared_ptr<Window> window_ = std::make_shared<Window>();  // shared with what is on its way
  std::uint64_t made_ = 0;
  std::uint64_t sessions_ = 0;
  std::int64_t last_arrival_ = 0;
  std::uint64_t left_ = ~std::uint64_t{0};
  bool dead_ = false;
};

}  // namespace fluxrig::sim
