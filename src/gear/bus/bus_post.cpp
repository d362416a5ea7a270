#include "gear/bus/bus_post.hpp"

#include <utility>

#include "gear/bus/bus_headers.hpp"

namespace fluxrig::gear::bus {
namespace {

// The bus is away, or may be: everything else is an answer.
bool is_away(const Error& error) noexcept {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout ||
         error.code == ErrorCode::kInternal;
}

Failure spool_failure(const Error& error) noexcept {
  switch (error.code) {
    case ErrorCode::kFull:
      return {FailureCode::kRefused, "the bus is away and the spool is full"};
    case ErrorCode::kOversize:
      return {FailureCode::kOversize, "the message is over the spool's limit"};
    case ErrorCode::kTimeout:  // it may be sent
      return {FailureCode::kTimeout, "the spool did not confirm the message"};
    default:
      return {FailureCode::kUnavailable, "the bus is away and the spool cannot be written"};
  }
}

}  // namespace

BusPost::BusPost(Parts parts)
    : parts_(std::move(parts)), alarm_(parts_.services.io(), [this] { expire(); }) {}
BusPost::~BusPost() = default;

Step BusPost::send(Ticket ticket, snake::Outgoing message) {
  const auto number = ++last_number_;
  if (parts_.outbox->waiting() != 0 || !parts_.bus.connected()) {
    spool(number, ticket, message);
    return Step::wait();
  }
  const auto now = parts_.services.clock().monotonic().value;
  // Before the publish: its end may come at any moment, from another thread.
  auto& waiting = live_[number];
  waiting = {ticket, now + parts_.patience.count() * kNanosPerMilli, std::move(message)};
  const auto sent = parts_.bus.publish_stream(
      waiting.message, [this, number, mailbox = parts_.mailbox](Result<snake::PublishReceipt> receipt) {
        mailbox->put([this, number, receipt] { published(number, receipt); });
      });
  if (!sent) {
    const auto failed = live_.find(number);
    if (is_away(sent.error())) {
      spool(failed);
      return Step::wait();
    }
    live_.erase(failed);
    return Step::fail(publish_failure(sent.error()));
  }
  if (live_.size() == 1) alarm_.set(parts_.patience);
  return Step::wait();
}

void BusPost::published(std::uint64_t number, const Result<snake::PublishReceipt>& receipt) {
  const auto waiting = live_.find(number);
  if (waiting == live_.end()) return;  // it is in the spool by now
  if (!receipt && is_away(receipt.error())) return spool(waiting);
  const Ticket ticket = waiting->second.ticket;
  live_.erase(waiting);  // first: what resumes may send the next message through this gear
  const auto step = receipt ? Step::reply() : Step::fail(publish_failure(receipt.error()));
  parts_.services.resume(ticket, step, {});
}

// It may be in the stream all the same: under its id the stream, and the receiving gear, know it again.
void BusPost::spool(Live::iterator waiting) {
  const auto number = waiting->first;
  const Waiting message = std::move(waiting->second);
  live_.erase(waiting);
  spool(number, message.ticket, message.message);
}

void BusPost::spool(std::uint64_t number, Ticket ticket, const snake::Outgoing& message) {
  spooling_[number] = ticket;
  parts_.outbox->keep(message, [this, number, mailbox = parts_.mailbox](Result<void> result) {
    mailbox->put([this, number, result] { kept(number, result); });
  });
}

void BusPost::kept(std::uint64_t number, const Result<void>& result) {
  const auto found = spooling_.find(number);
  if (found == spooling_.end()) return;
  const Ticket ticket = found->second;
  spooling_.erase(found);
  parts_.services.resume(ticket, result ? Step::reply() : Step::fail(spool_failure(result.error())), {});
}

void BusPost::expire() {
  const auto now = parts_.services.clock().monotonic().value;
  while (!live_.empty() && live_.begin()->second.deadline <= now) spool(live_.begin());
  if (live_.empty()) return;
  const auto left = live_.begin()->second.deadline - now;
  alarm_.set(std::chrono::milliseconds(left / kNanosPerMilli + 1));
}

void BusPost::drain() { parts_.outbox->pause(); }

}  // namespace fluxrig::gear::bus
