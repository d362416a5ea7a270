// Along the wires and back again. Neighbouring spans share one reading of the clock.
#include <utility>

#include "base/assert.hpp"
#include "rack/context_exchange.hpp"
#include "rack/runtime.hpp"
#include "rack/tap_build.hpp"

namespace fluxrig::rack {

using gear::Step;

void Runtime::enter(OpenTransaction& transaction, StationIndex index, tap::Ticks now) {
  const Station& station = wiring_.at(index);
  std::uint8_t span = tap::kRootSpan;
  if (auto* draft = kTapped ? transaction.draft() : nullptr; draft != nullptr) {
    tap::SpanSlot slot;
    slot.start = now;
    slot.end = now;
    slot.gear = station.name_id;
    slot.name = station.span_name;
    slot.kind = station.span_kind;
    slot.parent = transaction.path_.front().span;
    span = draft->begin_span(slot);
  }
  transaction.path_.push_back({index, span, now});
  transaction.at_ = transaction.path_.size() - 1;
  if constexpr (kTapped) station.metrics->messages.add();
}

// The current gear is done with the request: its span ends and its latency counts.
void Runtime::leave(OpenTransaction& transaction, tap::Ticks now) {
  if constexpr (!kTapped) return;
  const auto& hop = transaction.here();
  if (transaction.at_ == 0) return;  // the ingress gear's span ends with the transaction
  auto* draft = transaction.draft();
  if (auto* slot = draft == nullptr ? nullptr : draft->span(hop.span); slot != nullptr) slot->end = now;
  const auto ticks = static_cast<double>(now.value - hop.entered.value);
  wiring_.at(hop.station).metrics->duration.record(static_cast<std::uint64_t>(ticks * parts_.nanos_per_tick));
}

void Runtime::forward(OpenTransaction& transaction, Step step) {
  while (step.kind == Step::Kind::kNext) {
    const auto& targets = wiring_.at(transaction.here().station).targets;
    const StationIndex next = step.port < targets.size() ? targets[step.port] : kNowhere;
    if (next == kNowhere) {
      step = Step::fail(gear::FailureCode::kInternal, "no wire leads on from this gear's port");
      break;
    }
    const tap::Ticks now = parts_.ticks.now();
    leave(transaction, now);
    enter(transaction, next, now);
    if (wiring_.at(next).departs && !may_depart(transaction)) return;
    step = wiring_.at(next).gear->on_request(transaction, transaction.message_);
  }
  switch (step.kind) {
    case Step::Kind::kWait:
      transaction.stage_ = Stage::kWaiting;
      if (std::exchange(transaction.offer_pending_, false))
        contexts_->offer(transaction.offer_key_, transaction.outgoing_context(), transaction.flux_id_);
      return;
    case Step::Kind::kReply:
      leave(transaction, parts_.ticks.now());
      return back(transaction, transaction.at_);
    case Step::Kind::kFail:
      leave(transaction, parts_.ticks.now());
      return fail_back(transaction, transaction.at_, step.failure);
    case Step::Kind::kNext:
      FR_ASSERT(false);
  }
}

// `from` answered: the gears before it see the reply, the nearest first. An ingress gear that answered itself
// has rendered its reply already.
void Runtime::back(OpenTransaction& transaction, std::size_t from) {
  transaction.backward_ = true;
  while (from > 0) {
    transaction.at_ = --from;
    const StationIndex station = transaction.here().station;
    const Step step = wiring_.at(station).gear->on_reply(transaction, transaction.message_);
    if (step.kind == Step::Kind::kFail) return fail_back(transaction, from, step.failure);
    if (step.kind == Step::Kind::kWait) {
      transaction.stage_ = Stage::kWaiting;
      return;
    }
  }
  end(transaction);
}

void Runtime::note_failure(OpenTransaction& transaction, std::size_t at, const gear::Failure& failure) {
  if constexpr (!kTapped) return;
  const auto& hop = transaction.path_[at];
  wiring_.at(hop.station).metrics->errors.add();
  auto* draft = transaction.draft();
  if (draft == nullptr) return;
  const tap::NameId reason = parts_.names.name(failure.reason);
  if (auto* slot = draft->span(hop.span); slot != nullptr) {
    slot->status = model::StatusCode::kError;
    slot->reason = reason;
  }
  if (transaction.is_branch()) return;
  draft->head().reason = reason;
  switch (failure.code) {
    case gear::FailureCode::kTimeout:
      transaction.outcome_ = model::TransactionOutcome::kTimedOut;
      break;
    case gear::FailureCode::kRefused:
      transaction.outcome_ = model::TransactionOutcome::kRefused;
      break;
    default:
      transaction.outcome_ = model::TransactionOutcome::kFailed;
      break;
  }
}

// `from` failed: it and the gears before it may turn the failure into a reply in their protocol, the nearest
// first. A codec that could not read a request is the one that knows how to say so.
void Runtime::fail_back(OpenTransaction& transaction, std::size_t from, gear::Failure failure) {
  transaction.backward_ = true;
  note_failure(transaction, from, failure);
  transaction.failure_ = failure;
  transaction.message_.wipe();
  for (std::size_t i = from + 1; i > 0;) {
    transaction.at_ = --i;
    const StationIndex station = transaction.here().station;
    const Step step = wiring_.at(station).gear->on_failure(transaction, failure, transaction.message_);
    if (step.kind == Step::Kind::kReply) return back(transaction, i);
    if (step.kind == Step::Kind::kFail) failure = step.failure;
  }
  // Nobody has words for it: the transaction ends without a reply.
  transaction.abandoned_ = true;
  end(transaction);
}

void Runtime::resume(gear::Ticket ticket, Step step, gear::Message message) {
  OpenTransaction* transaction = lookup(ticket);
  if (transaction == nullptr || transaction->stage_ != Stage::kWaiting) {
    counters_.late_resumes.add();
    return;
  }
  transaction->stage_ = Stage::kMoving;
  if (step.kind != Step::Kind::kFail) {
    transaction->message_.wipe();
    transaction->message_ = std::move(message);
  }
  if (!transaction->backward_) return forward(*transaction, step);
  if (step.kind == Step::Kind::kFail) return fail_back(*transaction, transaction->at_, step.failure);
  back(*transaction, transaction->at_);
}

void Runtime::abandon(gear::Ticket ticket) {
  if (OpenTransaction* transaction = lookup(ticket); transaction != nullptr) transaction->abandoned_ = true;
}

}  // namespace fluxrig::rack
