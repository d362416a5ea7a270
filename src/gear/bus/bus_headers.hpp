// The headers that a message between racks carries (docs/formats/flux-message.md), written and read in one
// place. Everything read is hostile: bounded, and dropped when it breaks its form. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "gear/bus/sealed_message.hpp"
#include "gear/gear.hpp"
#include "snake/bus.hpp"
#include "snake/subjects.hpp"
#include "trace/context.hpp"

namespace fluxrig::gear::bus {

inline constexpr std::string_view kFluxIdHeader = "flux-id";
inline constexpr std::string_view kFluxRequestHeader =
    "flux-request";                                                 // names the request; replies repeat it
inline constexpr std::string_view kFluxReplyHeader = "flux-reply";  // the port that replies go to
inline constexpr std::string_view kFluxForHeader =
    snake::kForConsumer;  // on a dead letter that is tried again: the one consumer it is for
inline constexpr std::size_t kMaxRequestId = 128;

// Printable ASCII without white space, 1 to kMaxRequestId characters.
[[nodiscard]] bool valid_request_id(std::string_view text) noexcept;
// "reply-<rack>-<gear>" as one token of a subject: nothing that could reach another subject.
[[nodiscard]] bool valid_reply_port(std::string_view token) noexcept;

// traceparent, tracestate, flux-id, content-type, baggage (Transaction::baggage).
[[nodiscard]] snake::Headers context_headers(const trace::Context& context, const FluxId& flux_id,
                                             std::string_view baggage);

struct ReceivedHeaders {
  std::optional<trace::Context> parent;  // trace headers of other senders may be in any case, or repeated
  std::optional<FluxId> flux_id;
  std::string baggage;
  std::string request;     // empty: none
  std::string reply_port;  // empty: no reply is expected
};
// kInvalid: flux-request or flux-reply is there and breaks its form.
[[nodiscard]] Result<ReceivedHeaders> read_headers(const snake::Delivery& delivery);

// What a sealed message in it must be bound to. Points into the delivery.
[[nodiscard]] Address address_of(const snake::Delivery& delivery) noexcept;

// What a failed publish means for the request; the reason is a literal.
[[nodiscard]] Failure publish_failure(const Error& error) noexcept;

}  // namespace fluxrig::gear::bus
