// The way out: the reply into the stream first, then the request's acknowledgement.
#include <fmt/format.h>

#include "gear/bus/bus_in.hpp"
#include "gear/bus/flux_message.hpp"
#include "gear/transaction.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::gear::bus {
namespace {

constexpr std::int64_t kFirstRetry = 100 * kNanosPerMilli;  // doubles with each attempt

sanitize::CleanBytes render(const std::optional<Failure>& failure, const Message& reply,
                            sanitize::MessageSeal* seal, const Address& address) {
  if (failure) return encode_failure(*failure);
  auto encoded = encode_message(reply, seal, address);
  if (encoded) return *std::move(encoded);
  return encode_failure(encoded.error().code == ErrorCode::kOversize
                            ? Failure{FailureCode::kOversize, "the reply is over the bus's limits"}
                            : Failure{FailureCode::kInternal, "the reply cannot be written for the bus"});
}

// Tried again later it may work, and trying again repeats nothing that was done.
bool worth_redelivery(const Failure& failure) noexcept {
  return failure.code == FailureCode::kUnavailable || failure.code == FailureCode::kRefused;
}

}  // namespace

Step BusIn::on_failure(Transaction& transaction, const Failure& failure, Message&) {
  const auto request = requests_.find(transaction.cookie());
  if (request == requests_.end() || request->second.malformed != nullptr) return Step::fail(failure);
  request->second.failure = failure;
  return Step::reply();
}

void BusIn::send_reply(Transaction& transaction, Message& reply) {
  const auto found = requests_.find(transaction.cookie());
  if (found == requests_.end()) return;
  Request& request = found->second;
  if (request.reply_port.empty()) return settle_without_reply(found);
  auto& answer = request.answer.emplace();
  answer.subject =
      snake::message_subject(services_->rack_name(), services_->name_of(*this), request.reply_port);
  answer.headers =
      context_headers(transaction.outgoing_context(), transaction.flux_id(), transaction.baggage());
  const auto flux_id = to_string(transaction.flux_id());
  answer.payload = render(request.failure, reply, services_->seal(), {answer.subject, flux_id});
  if (!request.id.empty()) {
    answer.headers.emplace_back(kFluxRequestHeader, request.id);
    answer.message_id = reply_id_prefix_ + request.id;
  }
  transaction.count_bytes(0, answer.payload.size());
  publish(found->first);
}

void BusIn::publish(std::uint64_t cookie) {
  const auto found = requests_.find(cookie);
  if (found == requests_.end()) return;
  ++found->second.attempts;
  auto sent = bus_->publish_stream(*found->second.answer,
                                   [this, cookie, mailbox = mailbox_](Result<snake::PublishReceipt> receipt) {
                                     mailbox->put([this, cookie, receipt] { published(cookie, receipt); });
                                   });
  if (!sent) published(cookie, tl::unexpected(sent.error()));
}

void BusIn::published(std::uint64_t cookie, const Result<snake::PublishReceipt>& receipt) {
  const auto found = requests_.find(cookie);
  if (found == requests_.end()) return;
  Request& request = found->second;
  if (receipt) {
    // When this is lost the request comes again, and the ledger answers it.
    (void)bus_->acknowledge(request.acknowledge);
    return finish(found);
  }
  if (receipt.error().code == ErrorCode::kOversize)
    request.answer->payload =
        encode_failure({FailureCode::kOversize, "the reply is over the server's limit"});
  if (request.attempts < kPublishAttempts) {
    const auto wait = kFirstRetry << (request.attempts - 1);
    retries_.emplace(services_->clock().monotonic().value + wait, cookie);
    return set_alarm();
  }
  // Not acknowledged: the stream delivers it again, and the answer is tried again then.
  services_->stray(*this, "a reply that the bus did not take");
  finish(found);
}

// Nobody hears of the failure: what may succeed later comes again, the rest becomes a dead letter.
void BusIn::settle_without_reply(Requests::iterator found) {
  const Request& request = found->second;
  if (!request.failure) {
    (void)bus_->acknowledge(request.acknowledge);
    return finish(found);
  }
  if (!worth_redelivery(*request.failure)) {
    (void)bus_->terminate(request.acknowledge);
    ledger_.gave_up(request.id);
    forget(found);
    return run_backlog();
  }
  (void)bus_->redeliver_after(request.acknowledge, redelivery_delay(request.deliveries));
  forget(found);
  run_backlog();
}

void BusIn::settle_abandoned(Requests::iterator found) {
  (void)bus_->acknowledge(found->second.acknowledge);
  ledger_.answered(found->second.id, std::nullopt);
  forget(found);
}

void BusIn::finish(Requests::iterator found) {
  ledger_.answered(found->second.id, std::move(found->second.answer));
  forget(found);
  run_backlog();
}

void BusIn::forget(Requests::iterator found) {
  if (found == requests_.end()) return;
  if (found->second.running) --running_;
  if (!found->second.id.empty()) open_.erase(found->second.id);
  requests_.erase(found);
}

void BusIn::set_alarm() {
  if (retries_.empty()) return;
  const auto left = retries_.begin()->first - services_->clock().monotonic().value;
  alarm_->set(std::chrono::milliseconds(std::max<std::int64_t>(left, 0) / kNanosPerMilli + 1));
}

void BusIn::retry() {
  const auto now = services_->clock().monotonic().value;
  while (!retries_.empty() && retries_.begin()->first <= now) {
    const auto cookie = retries_.begin()->second;
    retries_.erase(retries_.begin());
    publish(cookie);
  }
  set_alarm();
}

}  // namespace fluxrig::gear::bus
