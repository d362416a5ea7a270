#include "snake/dead_letter_box.hpp"

#include <fmt/format.h>

#include <charconv>

#include "snake/dead_letters.hpp"
#include "snake/forwarded.hpp"
#include "snake/nats_native.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::snake {
namespace {

constexpr std::int64_t kStoreMillis = 5'000;
constexpr std::string_view kRequestHeader = "flux-request";
constexpr std::string_view kDeadPrefix = "flux-dead-";

std::uint64_t number_of(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? number : 0;
}

DeadLetter describe(natsMsg* raw) {
  const auto delivery = to_delivery(raw);
  DeadLetter letter;
  letter.sequence = natsMsg_GetSequence(raw);
  letter.time = {natsMsg_GetTime(raw)};
  letter.consumer = delivery.header(kDeadConsumer);
  letter.subject = delivery.header(kDeadSubject);
  letter.reason = delivery.header(kDeadReason);
  letter.deliveries = number_of(delivery.header(kDeadDeliveries));
  letter.stream_sequence = number_of(delivery.header(kDeadSequence));
  letter.flux_id = delivery.header("flux-id");
  letter.request = delivery.header(kRequestHeader);
  letter.traceparent = delivery.header("traceparent");
  letter.content_type = delivery.header("content-type");
  letter.payload_bytes = delivery.payload.size();
  return letter;
}

Error read_failure(natsStatus status) noexcept {
  if (status == NATS_NOT_FOUND) return {ErrorCode::kNotFound, 0, "there is no such dead letter"};
  return to_error(status);
}

Result<MessageHandle> fetch(NatsBus& bus, std::uint64_t sequence) {
  natsMsg* raw = nullptr;
  jsErrCode code{};
  const auto status =
      js_GetMsg(&raw, bus.native().jetstream.get(), kStreamDeadLetters.data(), sequence, nullptr, &code);
  MessageHandle message(raw);
  if (status != NATS_OK) return tl::unexpected<Error>(read_failure(status));
  return message;
}

}  // namespace

Outgoing to_retry(const Delivery& letter, std::uint64_t sequence, UnixNanos time) {
  Outgoing message;
  message.subject = letter.header(kDeadSubject);
  // Another id than the first try's, which the gear remembers as done; the same for the same letter.
  message.message_id = fmt::format("dead-letter:{}:{}", sequence, time.value);
  for (const auto& header : letter.headers)
    if (header.first.rfind("Nats-", 0) != 0 && header.first.rfind(kDeadPrefix, 0) != 0 &&
        header.first != kRequestHeader && header.first != kForConsumer)
      message.headers.push_back(header);
  message.headers.emplace_back(kRequestHeader, message.message_id);
  message.headers.emplace_back(kForConsumer, letter.header(kDeadConsumer));
  message.payload = ForwardedBytes::of(letter);
  return message;
}

Result<DeadLetterBox::Page> DeadLetterBox::list(std::uint64_t after, std::size_t limit,
                                                const std::string& consumer) {
  Page page;
  jsDirectGetMsgOptions options;
  (void)jsDirectGetMsgOptions_Init(&options);
  options.NextBySubject = "flux.dlq.>";
  limit = std::min(std::max<std::size_t>(limit, 1), kMaxPage);
  for (std::size_t looked = 0; looked < kMaxLooked; ++looked) {
    options.Sequence = after + 1;
    natsMsg* raw = nullptr;
    const auto status =
        js_DirectGetMsg(&raw, bus_.native().jetstream.get(), kStreamDeadLetters.data(), nullptr, &options);
    const MessageHandle message(raw);
    if (status == NATS_NOT_FOUND) return page;
    if (status != NATS_OK) return tl::unexpected<Error>(to_error(status));
    if (page.letters.size() == limit) break;  // there is one more
    auto letter = describe(raw);
    after = letter.sequence;
    if (consumer.empty() || letter.consumer == consumer) page.letters.push_back(std::move(letter));
  }
  page.next_after = after;
  return page;
}

Result<DeadLetter> DeadLetterBox::get(std::uint64_t sequence) {
  const auto message = fetch(bus_, sequence);
  if (!message) return tl::unexpected<Error>(message.error());
  return describe(message->get());
}

Result<DeadLetter> DeadLetterBox::retry(std::uint64_t sequence) {
  const auto message = fetch(bus_, sequence);
  if (!message) return tl::unexpected<Error>(message.error());
  auto letter = describe(message->get());
  auto again = to_message(to_retry(to_delivery(message->get()), sequence, letter.time), nullptr);
  if (!again) return tl::unexpected<Error>(again.error());
  jsPubOptions options;
  (void)jsPubOptions_Init(&options);
  options.MaxWait = kStoreMillis;
  jsErrCode code{};
  const auto status = js_PublishMsg(nullptr, bus_.native().jetstream.get(), again->get(), &options, &code);
  if (status != NATS_OK) return tl::unexpected<Error>(to_error(status));
  if (const auto erased = erase(sequence); !erased) return tl::unexpected<Error>(erased.error());
  return letter;
}

Result<DeadLetter> DeadLetterBox::drop(std::uint64_t sequence) {
  auto letter = get(sequence);
  if (!letter) return letter;
  if (const auto erased = erase(sequence); !erased) return tl::unexpected<Error>(erased.error());
  return letter;
}

Result<void> DeadLetterBox::erase(std::uint64_t sequence) {
  jsErrCode code{};
  const auto status =
      js_EraseMsg(bus_.native().jetstream.get(), kStreamDeadLetters.data(), sequence, nullptr, &code);
  if (status != NATS_OK) return tl::unexpected<Error>(read_failure(status));
  return {};
}

}  // namespace fluxrig::snake
