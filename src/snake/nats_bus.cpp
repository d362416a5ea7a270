#include "snake/nats_bus.hpp"

#include <fmt/format.h>

#include <climits>

#include "snake/nats_core.hpp"
#include "snake/nats_subscription.hpp"

namespace fluxrig::snake {

namespace {

tl::unexpected<Error> away() noexcept { return fail(ErrorCode::kUnavailable, "no connection to the server"); }

Result<void> to_result(natsStatus status) noexcept {
  if (status != NATS_OK) return tl::unexpected<Error>(to_error(status));
  return {};
}

}  // namespace

NatsBus::NatsBus(std::shared_ptr<Core> core) : core_(std::move(core)) {}
NatsBus::~NatsBus() { core_->close(); }

Result<void> NatsBus::publish_stream(Outgoing message, PublishDone done) {
  return core_->publish_stream(message, std::move(done));
}

Result<void> NatsBus::publish(std::string_view subject, const sanitize::CleanBytes& payload) {
  return send(subject, payload);
}

Result<void> NatsBus::send(std::string_view subject, ByteView payload) {
  if (auto checked = check_subject(subject); !checked) return checked;
  if (payload.size() > INT_MAX) return fail(ErrorCode::kOversize, "the message is over the server's limit");
  if (!core_->connected()) return away();
  return to_result(natsConnection_Publish(core_->connection().get(), std::string(subject).c_str(),
                                          payload.data(), static_cast<int>(payload.size())));
}

Result<Bytes> NatsBus::request(std::string_view subject, const sanitize::CleanBytes& bytes,
                               std::chrono::milliseconds timeout) {
  const ByteView payload = bytes;
  if (auto checked = check_subject(subject); !checked) return tl::unexpected<Error>(checked.error());
  if (payload.size() > INT_MAX) return fail(ErrorCode::kOversize, "the message is over the server's limit");
  if (!core_->connected()) return away();
  natsMsg* raw = nullptr;
  const auto status =
      natsConnection_Request(&raw, core_->connection().get(), std::string(subject).c_str(), payload.data(),
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
  state->subject = subject;
  state->handler = std::move(handler);
  // Known before it is attached: a connection that is opened meanwhile attaches it too, which replaces this.
  core_->remember(state);
  auto subscription = std::make_unique<NatsSubscription>(state);
  const auto status = SubscriptionState::attach(state, core_->connection().get());
  const bool later = status == NATS_CONNECTION_CLOSED && core_->options().reopen_when_refused;
  if (status != NATS_OK && !later) {
    state->ended = true;
    return tl::unexpected<Error>(to_error(status));
  }
  return subscription;
}

Result<void> NatsBus::acknowledge(std::string_view reply) { return send(reply, as_bytes("+ACK")); }

Result<void> NatsBus::redeliver_after(std::string_view reply, std::chrono::milliseconds delay) {
  const auto nanos = std::max<std::int64_t>(0, delay.count()) * 1'000'000;
  return send(reply, as_bytes(fmt::format("-NAK {{\"delay\": {}}}", nanos)));
}

Result<void> NatsBus::terminate(std::string_view reply) { return send(reply, as_bytes("+TERM")); }

Result<void> NatsBus::in_progress(std::string_view reply) { return send(reply, as_bytes("+WPI")); }

std::uint64_t NatsBus::session() const noexcept { return core_->session(); }

bool NatsBus::connected() const noexcept { return core_->connected(); }

std::size_t NatsBus::unacknowledged() const noexcept { return core_->window.size(); }
NatsCounters NatsBus::counters() const noexcept { return core_->counters(); }
const NatsNative& NatsBus::native() const noexcept { return core_->native; }

Result<void> NatsBus::flush(std::chrono::milliseconds timeout) {
  return to_result(
      natsConnection_FlushTimeout(core_->connection().get(), std::max<std::int64_t>(1, timeout.count())));
}

Outcome<std::unique_ptr<NatsBus>> connect(NatsOptions options, Diagnostics& diagnostics) {
  auto core = std::make_shared<NatsBus::Core>(std::move(options), diagnostics);
  if (auto opened = core->open(); !opened) return problem(opened.error().message);
  return std::make_unique<NatsBus>(std::move(core));
}

}  // namespace fluxrig::snake
