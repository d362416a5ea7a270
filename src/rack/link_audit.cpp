// Lane P1 on the wire: what is written now and the backlog, side by side; both stay on disk until the mixer's
// receipt.
#include "rack/link_shared.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::rack {

void Link::settle_answers() {
  for (const auto& answer : shared_->take_answers())
    (answer.live ? live_ : backlog_).acknowledged(answer.taken);
}

// What is on disk by now becomes backlog, from the oldest segment on; what has its receipt is passed over.
void Link::divide(AuditShipper::Round round) {
  const auto now_written = parts_.live_position();
  live_.move_to({now_written});
  backlog_.move_to({{}, now_written}, round);
  if (parts_.begin_segment) parts_.begin_segment();
}

void Link::repair_audit() {
  const MonotonicNanos now = parts_.clock.monotonic();
  if (resend_chain_.exchange(false, std::memory_order_acq_rel)) divide(AuditShipper::Round::kChain);
  const bool live_late = live_.repair(now);
  if (backlog_.repair(now) || live_late)
    parts_.diagnostics.warn("snake", "no receipt from the mixer for 30 s: its records are sent again");
  counters_.audit_resends.store(live_.resends() + backlog_.resends(), std::memory_order_relaxed);
}

// Fresh records first: the backlog takes what they leave.
void Link::ship_audit() {
  ship_stretch(live_, kAuditWindow);
  ship_stretch(backlog_, kBacklogWindow);
}

void Link::ship_stretch(AuditShipper& shipper, std::size_t window) {
  const bool live = &shipper == &live_;
  while (const auto* message = shipper.next(kMessageBytes, parts_.clock.monotonic())) {
    if (shipper.in_flight() >= window) {
      // Looked at again by the callback after it has left its answer: one of the two sees the other.
      shared_->wants_room.store(true, std::memory_order_release);
      return;
    }
    shared_->audit_in_flight.fetch_add(1, std::memory_order_acq_rel);
    // No message id: only the mixer's ledger decides what is a duplicate.
    const auto sent = parts_.bus.publish_stream(
        snake::Outgoing{snake::audit_subject(parts_.machine_id), {}, message->payload, {}},
        [shared = shared_, live](Result<snake::PublishReceipt> receipt) {
          shared->audit_done({live, receipt.has_value()});
        });
    if (!sent) {
      shared_->audit_in_flight.fetch_sub(1, std::memory_order_acq_rel);
      return;
    }
    counters_.audit_records_sent.fetch_add(message->records, std::memory_order_relaxed);
    shipper.sent(parts_.clock.monotonic());
  }
}

void Link::note_damage(const wal::Damage& damage) {
  counters_.audit_damage.fetch_add(1, std::memory_order_relaxed);
  parts_.diagnostics.error("wal", "a damaged frame cannot be sent; run 'fluxrig wal verify' on the directory",
                           {{"directory", parts_.audit_directory}, {"cause", damage.what}});
  if (parts_.on_damage) parts_.on_damage(damage.file);
}

}  // namespace fluxrig::rack
