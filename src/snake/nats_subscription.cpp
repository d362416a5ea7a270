#include "snake/nats_subscription.hpp"

#include <utility>

namespace fluxrig::snake {
namespace {
using SharedState = std::shared_ptr<SubscriptionState>;  // shared: the object and the library's closure
}  // namespace

void SubscriptionState::deliver(natsMsg* raw) {
  const MessageHandle message(raw);
  auto delivery = to_delivery(raw);
  const std::lock_guard lock(mutex);
  if (ended) return;
  running.store(std::this_thread::get_id());
  core->deliveries.fetch_add(1, std::memory_order_relaxed);
  handler(std::move(delivery));
  running.store({});
}

natsStatus SubscriptionState::attach(const SharedState& self, natsConnection* connection) {
  const std::lock_guard lock(self->handle_mutex);
  if (self->detached) return NATS_OK;
  auto closure = std::make_unique<SharedState>(self);
  natsSubscription* raw = nullptr;
  auto status = natsConnection_Subscribe(
      &raw, connection, self->subject.c_str(),
      [](natsConnection*, natsSubscription*, natsMsg* message, void* shared) {
        static_cast<SharedState*>(shared)->get()->deliver(message);
      },
      closure.get());
  if (status != NATS_OK) return status;
  self->handle.reset(raw);
  status = natsSubscription_SetOnCompleteCB(
      raw, [](void* shared) { delete static_cast<SharedState*>(shared); }, closure.get());
  // Deleted by the callback; without it the library may still use it: lost with the connection that failed.
  (void)closure.release();
  if (status != NATS_OK) return status;
  const auto& options = self->core->options();
  return natsSubscription_SetPendingLimits(raw, options.max_pending_deliveries,
                                           options.max_pending_delivery_bytes);
}

void SubscriptionState::detach() {
  SubscriptionHandle last;
  {
    const std::lock_guard lock(handle_mutex);
    detached = true;
    last = std::move(handle);
  }
  if (last) (void)natsSubscription_Unsubscribe(last.get());
}

NatsSubscription::~NatsSubscription() {
  state_->detach();
  if (state_->running.load() == std::this_thread::get_id()) {
    state_->ended = true;  // destroyed by its own handler, which holds the mutex
    return;
  }
  const std::lock_guard lock(state_->mutex);
  state_->ended = true;
}

}  // namespace fluxrig::snake
