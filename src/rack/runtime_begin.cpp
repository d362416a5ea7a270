// The life of a transaction's slot: admission, opening, deadlines.
#include "base/assert.hpp"
#include "rack/runtime_timers.hpp"
#include "sanitize/scan/free_text.hpp"
#include "trace/baggage.hpp"

namespace fluxrig::rack {

OpenTransaction* Runtime::lookup(gear::Ticket ticket) const noexcept {
  if (ticket.slot >= slots_.size()) return nullptr;
  OpenTransaction& transaction = *slots_[ticket.slot];
  return transaction.stage_ != Stage::kFree && transaction.ticket_ == ticket ? &transaction : nullptr;
}

Result<void> Runtime::admit() noexcept {
  if (parts_.admission.draining.load(std::memory_order_relaxed)) {
    counters_.refused_draining.add();
    return fail(ErrorCode::kRefused, "the rack is shutting down");
  }
  if (parts_.admission.audit_blocked.load(std::memory_order_relaxed)) {
    counters_.refused_disk.add();
    return fail(ErrorCode::kRefused, "the audit log cannot be written");
  }
  if (open_ >= parts_.limits.in_flight) {
    counters_.refused_full.add();
    return fail(ErrorCode::kFull, "too many transactions are in flight");
  }
  return {};
}

OpenTransaction& Runtime::take_slot() {
  if (free_slots_.empty()) {
    slots_.push_back(std::make_unique<OpenTransaction>(*this));
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  OpenTransaction& transaction = *slots_[slot];
  // Generation 0 means "none", so the counter skips it when it wraps.
  if (++generation_ == 0) ++generation_;
  transaction.ticket_ = {slot, generation_};
  transaction.stage_ = Stage::kMoving;
  ++open_;
  return transaction;
}

void Runtime::free_slot(OpenTransaction& transaction) {
  forget_deadline(transaction);
  if (!transaction.is_branch()) {
    by_flux_id_.erase(transaction.flux_id_);
    by_flux_id_.erase(transaction.first_flux_id_);
  }
  transaction.reset();
  free_slots_.push_back(transaction.ticket_.slot);
  --open_;
}

// What a caller writes into these goes out again, to the next hop and the bus's store: both headers allow
// '*'.
std::string_view Runtime::search(std::string_view tracestate) {
  searched_.assign(tracestate);
  sanitize::clean_text(searched_);
  return searched_;
}

void Runtime::open_root(OpenTransaction& transaction, StationIndex ingress, const gear::Arrival& arrival) {
  const Station& station = wiring_.at(ingress);
  tap::RecordHead head;
  head.flux_id = arrival.flux_id ? *arrival.flux_id : make_flux_id(parts_.clock.now(), parts_.random);
  std::string_view tracestate;
  if (arrival.parent) {
    // Whether the trace is sampled was decided where it began.
    head.trace_id = arrival.parent->trace_id;
    head.parent_span_id = arrival.parent->span_id;
    head.trace_flags = arrival.parent->flags;
    tracestate = search(arrival.parent->tracestate);
  } else {
    head.trace_id = make_trace_id(parts_.random);
    head.trace_flags = trace::kRandom;  // of level 2: what we make is
    if (head_sampler_.samples(head.trace_id)) {
      head.trace_flags |= trace::kSampled;
      tracestate = head_sampler_.tracestate();
    }
  }
  head.span_id = make_span_id(parts_.random);
  head.start = parts_.ticks.now();
  head.gear = station.name_id;
  head.name = arrival.name;
  head.kind = arrival.kind;
  transaction.draft_.begin(head, tracestate);
  transaction.flux_id_ = head.flux_id;
  transaction.first_flux_id_ = head.flux_id;
  transaction.path_.push_back({ingress, tap::kRootSpan, head.start});
  if (parts_.bus != nullptr) by_flux_id_[head.flux_id] = transaction.ticket_;
}

void Runtime::open_branch(OpenTransaction& transaction, OpenTransaction& owner, StationIndex ingress,
                          const gear::Arrival& arrival) {
  transaction.owner_ = owner.is_branch() ? owner.owner_ : owner.ticket_;
  transaction.flux_id_ = owner.flux_id_;
  const Station& station = wiring_.at(ingress);
  tap::SpanSlot slot;
  slot.start = parts_.ticks.now();
  slot.gear = station.name_id;
  slot.name = arrival.name;
  slot.kind = station.span_kind;
  auto* draft = transaction.draft();
  FR_ASSERT(draft != nullptr);
  if (arrival.parent) slot.parent = draft->find_span(arrival.parent->span_id);
  transaction.path_.push_back({ingress, draft->begin_span(slot), slot.start});
}

Result<gear::Ticket> Runtime::begin(gear::Gear& ingress, gear::Arrival arrival, gear::Message request) {
  const StationIndex station = wiring_.index_of(ingress);
  FR_ASSERT(station != kNowhere);
  OpenTransaction* owner = nullptr;
  if (arrival.flux_id) {
    const auto known = by_flux_id_.find(*arrival.flux_id);
    owner = known == by_flux_id_.end() ? nullptr : lookup(known->second);
    if (owner != nullptr && owner->stage_ > Stage::kWaiting) owner = nullptr;
  }
  // A branch belongs to work that was accepted: refusing it would break the promise made then.
  if (owner == nullptr)
    if (auto admitted = admit(); !admitted) return tl::unexpected(admitted.error());

  OpenTransaction& transaction = take_slot();
  transaction.cookie_ = arrival.cookie;
  transaction.baggage_ = trace::bound_baggage(std::move(arrival.baggage));
  sanitize::clean_text(transaction.baggage_);
  transaction.message_ = std::move(request);
  if (owner != nullptr) {
    open_branch(transaction, *owner, station, arrival);
  } else {
    open_root(transaction, station, arrival);
    counters_.begun.add();
  }
  watch_deadline(transaction);
  auto& metrics = *wiring_.at(station).metrics;
  metrics.messages.add();
  metrics.bytes_in.add(arrival.bytes);
  const gear::Ticket ticket = transaction.ticket_;
  forward(transaction, ingress.on_request(transaction, transaction.message_));
  return ticket;
}

// All deadlines are the same distance away, so the list is ordered by appending.
void Runtime::watch_deadline(OpenTransaction& transaction) {
  transaction.deadline_ =
      parts_.clock.monotonic().value + parts_.limits.transaction_timeout.count() * kNanosPerMilli;
  transaction.earlier_ = newest_deadline_;
  transaction.later_ = kNoSlot;
  const std::uint32_t slot = transaction.ticket_.slot;
  if (newest_deadline_ != kNoSlot) slots_[newest_deadline_]->later_ = slot;
  newest_deadline_ = slot;
  if (oldest_deadline_ == kNoSlot) oldest_deadline_ = slot;
  arm_deadline();
}

void Runtime::forget_deadline(OpenTransaction& transaction) {
  if (transaction.deadline_ == 0) return;
  transaction.deadline_ = 0;
  const std::uint32_t earlier = transaction.earlier_;
  const std::uint32_t later = transaction.later_;
  (earlier == kNoSlot ? oldest_deadline_ : slots_[earlier]->later_) = later;
  (later == kNoSlot ? newest_deadline_ : slots_[later]->earlier_) = earlier;
}

// Armed for the oldest; when that one ends in time, the timer fires once for nothing and is set for the next.
void Runtime::arm_deadline() {
  if (deadline_armed_ || oldest_deadline_ == kNoSlot) return;
  deadline_armed_ = true;
  timers_->deadline.set(Timers::until(slots_[oldest_deadline_]->deadline_, parts_.clock.monotonic().value));
}

void Runtime::deadline_due() {
  deadline_armed_ = false;
  expire();
}

void Runtime::expire() {
  const std::int64_t now = parts_.clock.monotonic().value;
  while (oldest_deadline_ != kNoSlot && slots_[oldest_deadline_]->deadline_ <= now) {
    OpenTransaction& transaction = *slots_[oldest_deadline_];
    forget_deadline(transaction);
    if (transaction.stage_ == Stage::kDeparting) {
      refuse_departure(transaction);
      continue;
    }
    // One that has its answer and waits for the disk is not late because of its peer.
    if (transaction.stage_ != Stage::kWaiting) continue;
    counters_.timeouts.add();
    resume(transaction.ticket_,
           gear::Step::fail(gear::FailureCode::kTimeout,
                            "the transaction's time was over before an answer came"),
           {});
  }
  arm_deadline();
}

}  // namespace fluxrig::rack
