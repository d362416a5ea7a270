#include "snake/dead_letters.hpp"

#include <fmt/format.h>

#include "snake/acknowledgement.hpp"
#include "snake/forwarded.hpp"
#include "snake/nats_native.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::snake {

namespace {

constexpr int kBatch = 64;
constexpr std::chrono::milliseconds kTryAgain{1000};
constexpr std::int64_t kStoreMillis = 5000;

Outgoing to_dead_letter(Delivery message, const Advisory& note, const ConsumerOwner& owner) {
  Outgoing letter;
  letter.subject = dead_letter_subject(owner.rack, owner.gear);
  for (auto& header : message.headers)
    if (header.first.rfind("Nats-", 0) != 0) letter.headers.push_back(std::move(header));
  letter.headers.emplace_back(kDeadSubject, message.subject);
  letter.headers.emplace_back(kDeadSequence, std::to_string(note.stream_sequence));
  letter.headers.emplace_back(kDeadConsumer, note.consumer);
  letter.headers.emplace_back(kDeadDeliveries, std::to_string(note.deliveries));
  letter.headers.emplace_back(kDeadReason, to_string(note.reason));
  letter.payload = ForwardedBytes::of(message);
  // A note that comes twice stores one letter.
  letter.message_id = fmt::format("{}:{}", note.consumer, note.stream_sequence);
  return letter;
}

}  // namespace

DeadLetterCollector::DeadLetterCollector(NatsBus& bus, Diagnostics& diagnostics,
                                         std::unique_ptr<PullConsumer> notes)
    : bus_(bus), diagnostics_(diagnostics), notes_(std::move(notes)) {}

Outcome<std::unique_ptr<DeadLetterCollector>> DeadLetterCollector::open(NatsBus& bus,
                                                                        Diagnostics& diagnostics) {
  auto notes = PullConsumer::open(
      bus, {.stream = std::string(kStreamAdvisories), .durable = "dead_letters", .filter = {}});
  if (!notes) return problem(notes.error().message);
  return std::unique_ptr<DeadLetterCollector>(new DeadLetterCollector(bus, diagnostics, std::move(*notes)));
}

Result<std::size_t> DeadLetterCollector::collect(std::chrono::milliseconds timeout) {
  const auto notes = notes_->fetch(kBatch, timeout);
  if (!notes) return tl::unexpected<Error>(notes.error());
  std::size_t stored = 0;
  for (const auto& note : *notes) {
    const auto handled = handle(note);
    if (handled == Handled::kStored) ++stored;
    // A lost acknowledgement brings the note again, which does no harm.
    if (handled == Handled::kAgain)
      (void)bus_.redeliver_after(note.reply, kTryAgain);
    else
      (void)bus_.acknowledge(note.reply);
  }
  return stored;
}

DeadLetterCollector::Handled DeadLetterCollector::handle(const Delivery& note) {
  const auto advisory = parse_advisory(note.subject, as_text(note.payload));
  const auto owner = advisory ? parse_consumer_name(advisory->consumer) : std::nullopt;
  if (!owner) {
    ++counters_.malformed;
    return Handled::kDropped;
  }
  jsCtx* jetstream = bus_.native().jetstream.get();
  natsMsg* raw = nullptr;
  jsErrCode code{};
  auto status = js_GetMsg(&raw, jetstream, kStreamMessages.data(), advisory->stream_sequence, nullptr, &code);
  const MessageHandle message(raw);
  if (status == NATS_NOT_FOUND) {
    ++counters_.missing;
    diagnostics_.error("snake", "a message that no gear could handle left FLUX_MSG before it could be kept",
                       {{"consumer", std::string(advisory->consumer)},
                        {"sequence", std::to_string(advisory->stream_sequence)}});
    return Handled::kDropped;
  }
  if (status == NATS_OK) {
    const auto letter = to_message(to_dead_letter(to_delivery(raw), *advisory, *owner), nullptr);
    jsPubOptions options;
    (void)jsPubOptions_Init(&options);
    options.MaxWait = kStoreMillis;
    status = letter ? js_PublishMsg(nullptr, jetstream, letter->get(), &options, &code) : NATS_INVALID_ARG;
  }
  if (status != NATS_OK) {
    ++counters_.failed;
    return Handled::kAgain;
  }
  ++counters_.collected;
  diagnostics_.warn("snake", "a message became a dead letter",
                    {{"consumer", std::string(advisory->consumer)},
                     {"sequence", std::to_string(advisory->stream_sequence)},
                     {"reason", std::string(to_string(advisory->reason))}});
  return Handled::kStored;
}

}  // namespace fluxrig::snake
