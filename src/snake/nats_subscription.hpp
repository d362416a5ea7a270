// A subscription that survives its connection: made again on each new one. Private to this module.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "snake/nats_core.hpp"

namespace fluxrig::snake {

// Outlives the Subscription object: the library may still be inside a callback when that is destroyed.
struct SubscriptionState {
  std::shared_ptr<NatsBus::Core> core;
  std::string subject;
  DeliveryHandler handler;
  std::mutex mutex;  // held while the handler runs: the destructor waits on it
  std::atomic<std::thread::id> running;
  bool ended = false;

  std::mutex handle_mutex;  // guards the two below
  SubscriptionHandle handle;
  bool detached = false;

  void deliver(natsMsg* raw);
  // Subscribes on this connection, in place of an earlier one. `self` is this.
  [[nodiscard]] static natsStatus attach(const std::shared_ptr<SubscriptionState>& self,
                                         natsConnection* connection);
  void detach();
};

class NatsSubscription final : public Subscription {
 public:
  explicit NatsSubscription(std::shared_ptr<SubscriptionState> state) : state_(std::move(state)) {}
  ~NatsSubscription() override;

 private:
  std::shared_ptr<SubscriptionState> state_;
};

}  // namespace fluxrig::snake
