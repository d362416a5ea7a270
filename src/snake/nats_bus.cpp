#include "snake/nats_bus.hpp"

#include <fmt/format.h>

#include <climits>

#include "snake/nats_core.hpp"

namespace fluxrig::snake {

namespace {

// Outlives the Subscription object: the library may still be inside a callback when that is destroyed.
struct SubscriptionState {
  std::shared_ptr<NatsBus::Core> core;
  DeliveryHandler handler;
  std::mutex mutex;  // held while the handler runs: the destructor waits on it
  std::atomic<std::thread::id> running;
  bool ended = false;

  void deliver(natsMsg* raw) {
    const MessageHandle message(raw);
    auto delivery = to_delivery(raw);
    const std::lock_guard lock(mutex);
    if (ended) return;
    running.store(std::this_thread::get_id());
    core->deliveries.fetch_add(1, std::memory_order_relaxed);
    handler(std::move(delivery));
    running.store({});
  }
};
using SharedState = std::shared_ptr<SubscriptionState>;  // shared: the object and the library's closure

class NatsSubscription final : public Subscription {
 public:
  NatsSubscription(SubscriptionHandle handle, SharedState state)
      : handle_(std::move(handle)), state_(std::move(state)) {}
  ~NatsSubscription() override {
    (void)natsSubscription_Unsubscribe(handle_.get());
    if (state_->running.load() == std::this_thread::get_id()) {
      state_->ended = true;  // destroyed by its own handler, which holds the mutex
      return;
    }
    const std::lock_guard lock(state_->mutex);
    state_->ended = true;
  }

 private:
  SubscriptionHandle handle_;
  SharedState state_;
};

// Said before the library is asked, which would wait for a connection that is being opened.
tl::unexpected<Error> away() noexcept { return fail(ErrorCode::kUnavailable, "no connection to the server"); }

Result<void> to_result(natsStatus status) noexcept {
  if (status != NATS_OK) return tl::unexpected<Error>(to_error(status));
  return {};
}

}  // namespace

NatsBus::NatsBus(std::shared_ptr<Core> core) : core_(std::move(core)) {}
NatsBus::~NatsBus() { core_->close(); }

Result<void> NatsBus::publish_stream(Outgoing message, PublishDone done) {
  return core_->publish_stream(std::move(message), std::move(done));
}

Result<void> NatsBus::publish(std::string_view subject, ByteView payload) {
  if (auto checked = check_subject(subject); !checked) return checked;
  if (payload.size() > INT_MAX) return fail(ErrorCode::kOversize, "the message is over the server's limit");
  if (!core_->connected()) return away();
  return to_result(natsConnection_Publish(core_->native.connection, std::string(subject).c_str(),
                                          payload.data(), static_cast<int>(payload.size())));
}

Result<Bytes> NatsBus::request(std::string_view subject, ByteView payload,
                               std::chrono::milliseconds timeout) {
  if (auto checked = check_subject(subject); !checked) return tl::unexpected<Error>(checked.error());
  if (payload.size() > INT_MAX) return fail(ErrorCode::kOversize, "the message is over the server's limit");
  if (!core_->connected()) return away();
  natsMsg* raw = nullptr;
  const auto status =
      natsConnection_Request(&raw, core_->native.connection, std::string(subject).c_str(), payload.data(),
                             static_cast<int>(payload.size()), std::max<std::int64_t>(1, timeout.count()));
  const MessageHandle message(raw);
  if (status != NATS_OK) return tl::unexpected<Error>(to_error(status));
  if (natsMsg_IsNoResponders(raw)) return fail(ErrorCode::kUnavailable, "nobody answers on the subject");
  const auto* data = reinterpret_cast<const std::uint8_t*>(natsMsg_GetData(raw));
  if (data == nullptr) return Bytes{};
  return Bytes(data, data + natsMsg_GetDataLength(raw));
}

Result<std::unique_ptr<Subscription>> NatsBus::subscribe(std::string_view subject, DeliveryHandler handler) {
  if (auto checked = check_subject(subject); !checked) return tl::unexpected<Error>(checked.error());
  auto state = std::make_shared<SubscriptionState>();
  state->core = core_;
  state->handler = std::move(handler);
  auto closure = std::make_unique<SharedState>(state);
  natsSubscription* raw = nullptr;
  auto status = natsConnection_Subscribe(
      &raw, core_->native.connection, std::string(subject).c_str(),
      [](natsConnection*, natsSubscription*, natsMsg* message, void* shared) {
        static_cast<SharedState*>(shared)->get()->deliver(message);
      },
      closure.get());
  if (status != NATS_OK) return tl::unexpected<Error>(to_error(status));
  SubscriptionHandle handle(raw);
  status = natsSubscription_SetOnCompleteCB(
      raw, [](void* shared) { delete static_cast<SharedState*>(shared); }, closure.get());
  if (status != NATS_OK) {
    state->ended = true;
    (void)closure.release();  // the library may still use it: lost with the connection that has just failed
    return tl::unexpected<Error>(to_error(status));
  }
  (void)closure.release();  // deleted by the callback above
  status = natsSubscription_SetPendingLimits(raw, core_->options().max_pending_deliveries,
                                             core_->options().max_pending_delivery_bytes);
  if (status != NATS_OK) return tl::unexpected<Error>(to_error(status));
  return std::make_unique<NatsSubscription>(std::move(handle), std::move(state));
}

Result<void> NatsBus::acknowledge(std::string_view reply) { return publish(reply, as_bytes("+ACK")); }

Result<void> NatsBus::redeliver_after(std::string_view reply, std::chrono::milliseconds delay) {
  const auto nanos = std::max<std::int64_t>(0, delay.count()) * 1'000'000;
  return publish(reply, as_bytes(fmt::format("-NAK {{\"delay\": {}}}", nanos)));
}

Result<void> NatsBus::terminate(std::string_view reply) { return publish(reply, as_bytes("+TERM")); }

bool NatsBus::connected() const noexcept { return core_->connected(); }

std::size_t NatsBus::unacknowledged() const noexcept { return core_->window.size(); }
NatsCounters NatsBus::counters() const noexcept { return core_->counters(); }
const NatsNative& NatsBus::native() const noexcept { return core_->native; }

Result<void> NatsBus::flush(std::chrono::milliseconds timeout) {
  return to_result(
      natsConnection_FlushTimeout(core_->native.connection, std::max<std::int64_t>(1, timeout.count())));
}

Outcome<std::unique_ptr<NatsBus>> connect(NatsOptions options, Diagnostics& diagnostics) {
  auto core = std::make_shared<NatsBus::Core>(std::move(options), diagnostics);
  if (auto opened = core->open(); !opened) return problem(opened.error().message);
  return std::make_unique<NatsBus>(std::move(core));
}

}  // namespace fluxrig::snake
