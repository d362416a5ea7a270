#include "gear/bus/bus_headers.hpp"

#include <algorithm>

#include "gear/bus/flux_message.hpp"
#include "snake/subjects.hpp"
#include "trace/carrier.hpp"

namespace fluxrig::gear::bus {
namespace {

constexpr std::string_view kReplyPrefix = "reply-";

}  // namespace

bool valid_request_id(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kMaxRequestId &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool valid_reply_port(std::string_view token) noexcept {
  if (token.substr(0, kReplyPrefix.size()) != kReplyPrefix) return false;
  token.remove_prefix(kReplyPrefix.size());
  if (token.size() < 3 || token.size() > 2 * snake::kMaxNameToken + 1) return false;
  return std::all_of(token.begin(), token.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

snake::Headers context_headers(const trace::Context& context, const FluxId& flux_id,
                               std::string_view baggage) {
  snake::Headers headers;
  headers.reserve(7);
  headers.emplace_back("traceparent",
                       trace::format_traceparent(context.trace_id, context.span_id, context.flags));
  if (!context.tracestate.empty()) headers.emplace_back("tracestate", context.tracestate);
  if (!baggage.empty()) headers.emplace_back("baggage", baggage);
  headers.emplace_back(kFluxIdHeader, to_string(flux_id));
  headers.emplace_back("content-type", kFluxMessageType);
  return headers;
}

Address address_of(const snake::Delivery& delivery) noexcept {
  return {delivery.subject, delivery.header(kFluxIdHeader)};
}

Result<ReceivedHeaders> read_headers(const snake::Delivery& delivery) {
  ReceivedHeaders received;
  trace::Carrier carrier;
  for (const auto& [name, value] : delivery.headers) carrier.take(name, value);
  received.parent = carrier.context();
  received.baggage = carrier.baggage();
  if (const auto id = parse_uuid(delivery.header(kFluxIdHeader))) received.flux_id = FluxId{*id};
  const auto request = delivery.header(kFluxRequestHeader);
  const auto reply_port = delivery.header(kFluxReplyHeader);
  if (!request.empty() && !valid_request_id(request))
    return fail(ErrorCode::kInvalid, "the message's flux-request header is not an id");
  if (!reply_port.empty() && !valid_reply_port(reply_port))
    return fail(ErrorCode::kInvalid, "the message's flux-reply header is not a reply port");
  received.request = request;
  received.reply_port = reply_port;
  return received;
}

Failure publish_failure(const Error& error) noexcept {
  switch (error.code) {
    case ErrorCode::kOversize:
      return {FailureCode::kOversize, "the message is over the bus's limit"};
    case ErrorCode::kFull:
      return {FailureCode::kRefused, "the bus is full"};
    case ErrorCode::kRefused:
      return {FailureCode::kUnavailable, "the bus does not permit this rack to send the message"};
    case ErrorCode::kTimeout:  // it may have been stored
      return {FailureCode::kTimeout, "the bus did not acknowledge the message in time"};
    default:
      return {FailureCode::kUnavailable, "the bus did not take the message"};
  }
}

}  // namespace fluxrig::gear::bus
