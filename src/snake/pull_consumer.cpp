#include "snake/pull_consumer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "snake/nats_native.hpp"

namespace fluxrig::snake {

struct PullConsumer::Native {
  SubscriptionHandle subscription;
};

namespace {

// Makes the consumer, or takes and changes the one of this name.
natsStatus make_consumer(jsCtx* jetstream, const PullRequest& request) {
  jsConsumerConfig config;
  (void)jsConsumerConfig_Init(&config);
  config.Durable = request.durable.c_str();
  config.DeliverPolicy = js_DeliverAll;
  config.AckPolicy = js_AckExplicit;
  config.AckWait = std::chrono::nanoseconds(request.acknowledge_wait).count();
  config.MaxAckPending = request.max_unacknowledged;
  if (!request.filter.empty()) config.FilterSubject = request.filter.c_str();
  jsErrCode code{};
  auto status = js_AddConsumer(nullptr, jetstream, request.stream.c_str(), &config, nullptr, &code);
  if (status != NATS_OK)
    status = js_UpdateConsumer(nullptr, jetstream, request.stream.c_str(), &config, nullptr, &code);
  return status;
}

}  // namespace

PullConsumer::PullConsumer(NatsBus& bus, PullRequest request, std::unique_ptr<Native> native)
    : bus_(bus),
      request_(std::move(request)),
      native_(std::move(native)),
      connects_(bus.counters().connects) {}
PullConsumer::~PullConsumer() = default;

Outcome<std::unique_ptr<PullConsumer>> PullConsumer::open(NatsBus& bus, const PullRequest& request) {
  jsCtx* jetstream = bus.native().jetstream.get();
  auto status = make_consumer(jetstream, request);
  auto native = std::make_unique<Native>();
  if (status == NATS_OK) {
    // Bound to what exists: a subscription that made its consumer would delete it at its end.
    jsSubOptions options;
    (void)jsSubOptions_Init(&options);
    options.Stream = request.stream.c_str();
    options.Consumer = request.durable.c_str();
    natsSubscription* raw = nullptr;
    jsErrCode code{};
    status = js_PullSubscribe(&raw, jetstream, request.filter.empty() ? nullptr : request.filter.c_str(),
                              request.durable.c_str(), nullptr, &options, &code);
    native->subscription.reset(raw);
  }
  if (status != NATS_OK) {
    const char* text = nats_GetLastError(nullptr);
    return problem(fmt::format("cannot read stream '{}' as '{}': {} ({})", request.stream, request.durable,
                               natsStatus_GetText(status), text == nullptr ? "" : text));
  }
  return std::unique_ptr<PullConsumer>(new PullConsumer(bus, request, std::move(native)));
}

void PullConsumer::make_again() {
  const auto connects = bus_.counters().connects;
  if (connects == connects_ || !bus_.connected()) return;
  // Fails while the stream is missing too: tried again by the next fetch.
  if (make_consumer(bus_.native().jetstream.get(), request_) == NATS_OK) connects_ = connects;
}

Result<std::vector<Delivery>> PullConsumer::fetch(int batch, std::chrono::milliseconds timeout) {
  make_again();
  natsMsgList list{};
  jsErrCode code{};
  const auto status =
      natsSubscription_Fetch(&list, native_->subscription.get(), std::clamp(batch, 1, kMaxBatch),
                             std::max<std::int64_t>(1, timeout.count()), &code);
  std::vector<Delivery> deliveries;
  if (status == NATS_OK) {
    deliveries.reserve(static_cast<std::size_t>(list.Count));
    for (int i = 0; i < list.Count; ++i) deliveries.push_back(to_delivery(list.Msgs[i]));
  }
  natsMsgList_Destroy(&list);
  if (status == NATS_OK || status == NATS_TIMEOUT) return deliveries;
  return tl::unexpected<Error>(to_error(status));
}

}  // namespace fluxrig::snake
