// The end of a transaction: its record goes into the ring, onto the disk, and only then the reply to the
// caller.
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "rack/context_exchange.hpp"
#include "rack/runtime_timers.hpp"
#include "rack/tap_build.hpp"

namespace fluxrig::rack {
namespace {

// How long an ended transaction waits for the trace context of its caller.
constexpr std::int64_t kContextPatience = 250 * kNanosPerMilli;
// After so many misses without one offer in between, the caller is taken for one that offers none, and is not
// made to wait.
constexpr std::uint32_t kMissesUntilNoWait = 16;
// How soon a full ring is tried again when no other event does it.
constexpr auto kParkRetry = std::chrono::milliseconds(1);

}  // namespace

void Runtime::end(OpenTransaction& transaction) {
  if constexpr (!kTapped) return release(transaction);
  if (transaction.is_branch()) {
    // Its record is that of the transaction it belongs to, which has not ended yet.
    const tap::Ticks now = parts_.ticks.now();
    const auto& hop = transaction.path_.front();
    auto* draft = transaction.draft();
    if (auto* slot = draft == nullptr ? nullptr : draft->span(hop.span); slot != nullptr) slot->end = now;
    const auto ticks = static_cast<double>(now.value - hop.entered.value);
    wiring_.at(hop.station)
        .metrics->duration.record(static_cast<std::uint64_t>(ticks * parts_.nanos_per_tick));
    return release(transaction);
  }
  auto& head = transaction.draft_.head();
  head.end = parts_.ticks.now();
  const auto& root = transaction.path_.front();
  wiring_.at(root.station)
      .metrics->duration.record(static_cast<std::uint64_t>(
          static_cast<double>(head.end.value - head.start.value) * parts_.nanos_per_tick));
  if (transaction.context_expected_ && !transaction.context_adopted_) {
    if (missed_in_a_row_ < kMissesUntilNoWait) return wait_for_context(transaction);
    contexts_->forget(transaction.context_key_);
    counters_.contexts_missed.add();
  }
  record(transaction);
}

void Runtime::record(OpenTransaction& transaction) {
  auto& head = transaction.draft_.head();
  if (transaction.abandoned_ && transaction.outcome_ == model::TransactionOutcome::kAnswered) {
    transaction.outcome_ = model::TransactionOutcome::kAbandoned;
    head.reason = parts_.names.name("the caller went away before the reply");
  }
  head.outcome = transaction.outcome_;
  tap::RingPosition position;
  if (transaction.draft_.write(parts_.ring, position) == tap::Draft::Written::kNone) {
    transaction.stage_ = Stage::kParked;
    return park(transaction);
  }
  recorded(transaction, position);
}

// The record is in the ring, and ends there.
void Runtime::recorded(OpenTransaction& transaction, tap::RingPosition position) {
  parts_.pump_bell.ring();
  if (transaction.entered_ring_.value == 0) transaction.entered_ring_ = position;
  if (parts_.durability == Durability::kInterval) {
    // The acquire load pairs with the release store in publish_durable.
    const tap::RingPosition durable{durable_.load(std::memory_order_acquire)};
    if (loss_window_.admits(position, durable, parts_.clock.monotonic())) return release(transaction);
    counters_.held_replies.add();
  }
  transaction.stage_ = Stage::kAwaitingDisk;
  await_disk(transaction, position);
}

void Runtime::await_disk(OpenTransaction& transaction, tap::RingPosition position) {
  transaction.awaited_ = position;
  awaiting_disk_.emplace_back(position, transaction.ticket_);
}

// Called by the pump. One posted handler at a time: it reads the latest position.
void Runtime::publish_durable(tap::RingPosition position) {
  durable_.store(position.value, std::memory_order_release);
  if (release_posted_.exchange(true, std::memory_order_acq_rel)) return;
  boost::asio::post(parts_.io, [this] { release_durable(); });
}

void Runtime::release_durable() {
  // An exchange, not a store: the load below must not move before it, or a position published in between were
  // missed.
  release_posted_.exchange(false, std::memory_order_acq_rel);
  const tap::RingPosition durable{durable_.load(std::memory_order_acquire)};
  while (!awaiting_disk_.empty() && awaiting_disk_.front().first <= durable) {
    const auto [position, ticket] = awaiting_disk_.front();
    awaiting_disk_.pop_front();
    OpenTransaction* transaction = lookup(ticket);
    // A departure that was refused meanwhile waits for its record now, which has another position.
    if (transaction == nullptr || transaction->awaited_ != position) continue;
    if (transaction->stage_ == Stage::kDeparting)
      depart(*transaction);
    else if (transaction->stage_ == Stage::kAwaitingDisk)
      release(*transaction);
  }
  retry_parked();
}

void Runtime::release(OpenTransaction& transaction) {
  transaction.stage_ = Stage::kReleased;
  transaction.at_ = 0;
  if (!transaction.abandoned_)
    wiring_.at(transaction.path_.front().station).gear->send_reply(transaction, transaction.message_);
  free_slot(transaction);
}

// The ring is full: tried again when the pump has made room, in the order of arrival.
void Runtime::park(OpenTransaction& transaction) {
  parked_.push_back(transaction.ticket_);
  parts_.pump_bell.ring();
  retry_parked();
}

// False: the ring is still full. What goes on from here may park others, and ends up in here again: so the
// queue's front goes first.
bool Runtime::write_parked(OpenTransaction& transaction) {
  if (transaction.stage_ == Stage::kDeparting) {
    const Departure departure = prepare_departure(transaction);
    if (departure == Departure::kRingFull) return false;
    parked_.pop_front();
    if (departure == Departure::kGo) depart(transaction);
    return true;
  }
  tap::RingPosition position;
  if (transaction.draft_.write(parts_.ring, position) == tap::Draft::Written::kNone) return false;
  parked_.pop_front();
  recorded(transaction, position);
  return true;
}

void Runtime::retry_parked() {
  while (!parked_.empty()) {
    OpenTransaction* transaction = lookup(parked_.front());
    // A departure that was refused meanwhile may have come here a second time, for its record.
    const bool waits = transaction != nullptr &&
                       (transaction->stage_ == Stage::kParked ||
                        (transaction->stage_ == Stage::kDeparting && transaction->awaited_.value == 0));
    if (!waits) {
      parked_.pop_front();
      continue;
    }
    if (!write_parked(*transaction)) break;
  }
  if (parked_.empty() || park_timer_armed_) return;
  park_timer_armed_ = true;
  timers_->park.set(kParkRetry);
}

void Runtime::park_due() {
  park_timer_armed_ = false;
  retry_parked();
}

void Runtime::wait_for_context(OpenTransaction& transaction) {
  transaction.stage_ = Stage::kAwaitingContext;
  awaiting_context_.emplace_back(parts_.clock.monotonic().value + kContextPatience, transaction.ticket_);
  give_up_contexts();
}

void Runtime::give_up_contexts() {
  const std::int64_t now = parts_.clock.monotonic().value;
  while (!awaiting_context_.empty()) {
    const auto [deadline, ticket] = awaiting_context_.front();
    OpenTransaction* transaction = lookup(ticket);
    const bool waits = transaction != nullptr && transaction->stage_ == Stage::kAwaitingContext;
    if (waits && deadline > now) break;
    awaiting_context_.pop_front();
    if (!waits) continue;
    if (contexts_ != nullptr) contexts_->forget(transaction->context_key_);
    counters_.contexts_missed.add();
    ++missed_in_a_row_;
    record(*transaction);
  }
  if (awaiting_context_.empty() || context_timer_armed_) return;
  context_timer_armed_ = true;
  timers_->context.set(Timers::until(awaiting_context_.front().first, now));
}

void Runtime::context_due() {
  context_timer_armed_ = false;
  give_up_contexts();
}

}  // namespace fluxrig::rack
