// Owners of the client library's handles, and its statuses as our errors. Private to this module: the only
// header that includes nats.h.
#pragma once

#include <nats/nats.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "snake/bus.hpp"
#include "snake/nats_options.hpp"

namespace fluxrig::snake {

template <auto Destroy>
struct NativeDelete {
  template <typename T>
  void operator()(T* handle) const noexcept {
    Destroy(handle);
  }
};
using OptionsHandle = std::unique_ptr<natsOptions, NativeDelete<natsOptions_Destroy>>;
using ConnectionHandle = std::unique_ptr<natsConnection, NativeDelete<natsConnection_Destroy>>;
using MessageHandle = std::unique_ptr<natsMsg, NativeDelete<natsMsg_Destroy>>;
using SubscriptionHandle = std::unique_ptr<natsSubscription, NativeDelete<natsSubscription_Destroy>>;
using JetStreamHandle = std::unique_ptr<jsCtx, NativeDelete<jsCtx_Destroy>>;
using StreamInfoHandle = std::unique_ptr<jsStreamInfo, NativeDelete<jsStreamInfo_Destroy>>;
using ConsumerInfoHandle = std::unique_ptr<jsConsumerInfo, NativeDelete<jsConsumerInfo_Destroy>>;

struct NatsNative {
  natsConnection* connection = nullptr;  // owned by the bus
  JetStreamHandle jetstream;             // for streams and consumers; publishes do not use it
};

[[nodiscard]] Error to_error(natsStatus status) noexcept;

// One sentence on why no connection came about: what, where, cause, next step.
[[nodiscard]] std::string explain_connect(natsStatus status, std::string_view text,
                                          const NatsOptions& options);

// Copies; the message stays the caller's. Not const: the library parses headers when first asked.
[[nodiscard]] Delivery to_delivery(natsMsg* message);

// Refuses what would let bytes from outside break the line protocol: blanks, control characters, CR or LF.
[[nodiscard]] Result<void> check_subject(std::string_view subject) noexcept;
[[nodiscard]] Result<MessageHandle> to_message(const Outgoing& message, const char* reply);

}  // namespace fluxrig::snake
