#include "snake/nats_native.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <climits>

#include "snake/acknowledgement.hpp"

namespace fluxrig::snake {

namespace {

constexpr int kMaxHeaderKeys = 256;

bool contains(std::string_view text, std::string_view part) noexcept {
  return text.find(part) != std::string_view::npos;
}

// "...error: 20:unable to get local issuer certificate:depth=0:...": what our side found wrong with the
// server's certificate. Empty when the other side ended the handshake.
std::string_view own_verdict(std::string_view text) noexcept {
  const auto end = text.find(":depth=");
  if (end == std::string_view::npos)
    return contains(text, "verify failed") || contains(text, "mismatch") ? "it does not name this host"
                                                                         : std::string_view{};
  const auto begin = text.rfind(':', end - 1);
  return text.substr(begin + 1, end - begin - 1);
}

bool plain_value(std::string_view text) noexcept {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

bool plain_name(std::string_view text) noexcept {
  if (text.empty()) return false;
  for (const char c : text)
    if (c <= ' ' || c >= 0x7f || c == ':') return false;
  return true;
}

void copy_headers(natsMsg* message, Headers& out) {
  const char** keys = nullptr;
  int count = 0;
  if (natsMsgHeader_Keys(message, &keys, &count) != NATS_OK) return;
  for (int i = 0; i < count && i < kMaxHeaderKeys; ++i) {
    const char** values = nullptr;
    int values_count = 0;
    if (natsMsgHeader_Values(message, keys[i], &values, &values_count) != NATS_OK) continue;
    for (int j = 0; j < values_count && j < kMaxHeaderKeys; ++j)
      out.emplace_back(keys[i], values[j] == nullptr ? "" : values[j]);
    std::free(static_cast<void*>(values));
  }
  std::free(static_cast<void*>(keys));
}

}  // namespace

Error to_error(natsStatus status) noexcept {
  switch (status) {
    case NATS_TIMEOUT:
      return {ErrorCode::kTimeout, 0, "the server did not answer in time"};
    case NATS_MAX_PAYLOAD:
      return {ErrorCode::kOversize, 0, "the message is over the server's limit"};
    case NATS_INVALID_SUBJECT:
    case NATS_INVALID_ARG:
      return {ErrorCode::kInvalid, 0, "the bus refuses the subject or a header"};
    case NATS_NOT_PERMITTED:
      return {ErrorCode::kRefused, 0, "the server does not permit it"};
    case NATS_NOT_FOUND:
      return {ErrorCode::kNotFound, 0, "not found on the server"};
    case NATS_NO_RESPONDERS:
      return {ErrorCode::kUnavailable, 0, "nobody answers on the subject"};
    case NATS_SLOW_CONSUMER:
      return {ErrorCode::kFull, 0, "the subscription is over its bounds"};
    case NATS_NO_MEMORY:
      return {ErrorCode::kInternal, 0, "out of memory"};
    case NATS_INSUFFICIENT_BUFFER:  // the reconnect buffer is off: not connected
    case NATS_NOT_YET_CONNECTED:
    case NATS_CONNECTION_DISCONNECTED:
    case NATS_CONNECTION_CLOSED:
    case NATS_STALE_CONNECTION:
    case NATS_DRAINING:
    case NATS_NO_SERVER:
    case NATS_IO_ERROR:
      return {ErrorCode::kUnavailable, 0, "no connection to the server"};
    default:
      return {ErrorCode::kInternal, 0, "the client library failed"};
  }
}

std::string explain_connect(natsStatus status, std::string_view text, const NatsOptions& options) {
  const std::string at = fmt::format("{}", fmt::join(options.servers, ", "));
  // The server closes without a word when it dislikes a client's certificate: seen only as a missing PONG or
  // a reset.
  const auto verdict = own_verdict(text);
  if (verdict.empty() && (contains(text, "PONG") || contains(text, "alert") || status == NATS_SSL_ERROR ||
                          status == NATS_IO_ERROR || status == NATS_CONNECTION_CLOSED))
    return fmt::format(
        "the server at {} ended the TLS handshake: it does not accept the certificate '{}' (signed by "
        "another authority, "
        "expired, or not a client certificate); check it with 'fluxrig pki show', or issue a new one",
        at, options.certificate);
  if (!verdict.empty())
    return fmt::format(
        "the server's certificate at {} is not trusted: {}; it must be signed by the authority in '{}' and "
        "name the host "
        "of the address ('fluxrig pki issue DIR --server NAME --host HOSTS')",
        at, verdict, options.certificate_authority);
  if (status == NATS_CONNECTION_AUTH_FAILED || contains(text, "uthorization"))
    return fmt::format(
        "the server at {} does not know the certificate '{}': its authority is right, but no user has this "
        "name; is the "
        "rack in the mixer's certificate index ('fluxrig pki show'), and was the mixer reloaded since?",
        at, options.certificate);
  if (status == NATS_SECURE_CONNECTION_WANTED)
    return fmt::format("the server at {} offers no TLS; plaintext is refused: give it a certificate", at);
  if (status == NATS_NO_SERVER || status == NATS_TIMEOUT)
    return fmt::format("no server answers at {}{}{}; is the mixer running, and is the address right?", at,
                       text.empty() ? "" : ": ", text);
  return fmt::format("cannot connect to {}: {} ({})", at, natsStatus_GetText(status), text);
}

Delivery to_delivery(natsMsg* message) {
  Delivery delivery;
  if (const char* subject = natsMsg_GetSubject(message)) delivery.subject = subject;
  if (const char* reply = natsMsg_GetReply(message)) delivery.reply = reply;
  copy_headers(message, delivery.headers);
  const auto* data = reinterpret_cast<const std::uint8_t*>(natsMsg_GetData(message));
  if (data != nullptr) delivery.payload.assign(data, data + natsMsg_GetDataLength(message));
  if (const auto metadata = parse_acknowledge_subject(delivery.reply))
    delivery.deliveries = metadata->deliveries;
  return delivery;
}

Result<void> check_subject(std::string_view subject) noexcept {
  if (subject.empty() || subject.front() == '.' || subject.back() == '.')
    return fail(ErrorCode::kInvalid, "a subject has an empty token");
  for (const char c : subject)
    if (c <= ' ' || c == 0x7f)
      return fail(ErrorCode::kInvalid, "a subject holds a blank or a control character");
  return {};
}

Result<MessageHandle> to_message(const Outgoing& message, const char* reply) {
  if (message.payload.size() > INT_MAX)
    return fail(ErrorCode::kOversize, "the message is over the server's limit");
  natsMsg* raw = nullptr;
  auto status = natsMsg_Create(&raw, message.subject.c_str(), reply,
                               reinterpret_cast<const char*>(message.payload.bytes().data()),
                               static_cast<int>(message.payload.size()));
  MessageHandle handle(raw);
  for (const auto& [name, value] : message.headers) {
    if (status != NATS_OK) break;
    if (!plain_name(name) || !plain_value(value))
      return fail(ErrorCode::kInvalid, "a header holds a line end, a zero byte or no name");
    status = natsMsgHeader_Add(raw, name.c_str(), value.c_str());
  }
  if (status == NATS_OK && !message.message_id.empty()) {
    if (!plain_value(message.message_id)) return fail(ErrorCode::kInvalid, "a message id holds a line end");
    status = natsMsgHeader_Set(raw, "Nats-Msg-Id", message.message_id.c_str());
  }
  if (status != NATS_OK) return tl::unexpected<Error>(to_error(status));
  return handle;
}

}  // namespace fluxrig::snake
