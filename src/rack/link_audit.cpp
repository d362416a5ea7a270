// Lane P1 on the wire: blocks are read out of the WAL, many to a message, and stay on disk until the mixer's
// receipt.
#include <fmt/format.h>

#include "rack/link_shared.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::rack {

// From the oldest segment on; what has its receipt is passed over. Idempotent: the mixer knows what it has.
void Link::go_back() {
  cursor_ = std::make_unique<wal::Cursor>(parts_.disk, parts_.audit_directory, wal::Cursor::Start{},
                                          &parts_.durable);
  held_.reset();
  chain_round_ = false;
  shipped_.clear();
  caught_up_ = false;
  counters_.audit_resends.fetch_add(1, std::memory_order_relaxed);
}

bool Link::ship_audit() {
  const bool nothing_in_flight = shared_->audit_in_flight.load(std::memory_order_acquire) == 0;
  if (shared_->audit_failed.load(std::memory_order_acquire)) {
    // Wait for the rest of the window first: their outcome would be lost in the new round.
    if (!nothing_in_flight) return false;
    shared_->audit_failed.store(false, std::memory_order_release);
    audit_retry_at_ = parts_.clock.monotonic().value + kAuditRetry;
    go_back();
  }
  if (!shipped_.empty() && parts_.clock.monotonic().value - shipped_.front().at >= kReceiptPatience) {
    parts_.diagnostics.warn("snake", "no receipt from the mixer for 30 s: its records are sent again");
    go_back();
  }
  if (nothing_in_flight && resend_chain_.exchange(false, std::memory_order_acq_rel)) {
    go_back();
    chain_round_ = true;
  }
  if (parts_.clock.monotonic().value < audit_retry_at_) return false;
  while (shared_->audit_in_flight.load(std::memory_order_acquire) < kAuditWindow &&
         shipped_.size() < kUnreceiptedWindow) {
    if (!held_) {
      AuditMessage message;
      if (!collect(message)) return false;
      held_ = std::move(message);
    }
    if (!publish_audit(*std::move(held_))) return false;
    held_.reset();
  }
  return false;  // a callback or a receipt wakes the thread
}

// Fills one message; false when the WAL has nothing new.
bool Link::collect(AuditMessage& message) {
  while (message.payload.size() < kMessageBytes) {
    auto block = cursor_->next();
    if (!block) {
      if (cursor_->damage()) {
        counters_.audit_damage.fetch_add(1, std::memory_order_relaxed);
        parts_.diagnostics.error(
            "wal", "a damaged frame cannot be sent; run 'fluxrig wal verify' on the directory",
            {{"directory", parts_.audit_directory}, {"cause", to_string(block.error())}});
        if (parts_.on_damage) parts_.on_damage(cursor_->damage()->file);
        if (cursor_->skip_damage()) continue;
      }
      break;
    }
    if (!*block) {
      caught_up_ = true;
      break;
    }
    caught_up_ = false;
    add_block(**block, message);
  }
  return !message.payload.empty();
}

// Blocks without records always go out again.
bool Link::chain_lacks(const model::BlockHead& head) const {
  const auto chain = parts_.receipts.chain(head.epoch);
  return chain_round_ && chain && head.first >= chain->next;
}

void Link::add_block(const wal::StoredBlock& block, AuditMessage& message) {
  const auto& head = block.view.head;
  if (head.count != 0) {
    const wal::SequenceRange range{head.first, {head.first.value + head.count - 1}};
    if (parts_.receipts.covers(head.epoch, range) && !chain_lacks(head)) return;
    auto& ranges = message.ranges;
    // Neighbours become one range: there are thousands of small blocks a second.
    if (!ranges.empty() && ranges.back().first == head.epoch &&
        ranges.back().second.last.value + 1 == range.first.value) {
      ranges.back().second.last = range.last;
    } else {
      ranges.emplace_back(head.epoch, range);
    }
    message.records += head.count;
  }
  message.payload.insert(message.payload.end(), block.bytes.begin(), block.bytes.end());
}

bool Link::publish_audit(AuditMessage message) {
  shared_->audit_in_flight.fetch_add(1, std::memory_order_acq_rel);
  // No message id: only the mixer's ledger decides what is a duplicate.
  const auto sent = parts_.bus.publish_stream(
      snake::Outgoing{snake::audit_subject(parts_.machine_id), {}, message.payload, {}},
      [shared = shared_](Result<snake::PublishReceipt> receipt) { shared->audit_done(receipt.has_value()); });
  if (!sent) {
    shared_->audit_in_flight.fetch_sub(1, std::memory_order_acq_rel);
    held_ = std::move(message);
    return false;
  }
  const std::int64_t now = parts_.clock.monotonic().value;
  for (const auto& [epoch, range] : message.ranges) shipped_.push_back({epoch, range, now});
  counters_.audit_records_sent.fetch_add(message.records, std::memory_order_relaxed);
  return true;
}

}  // namespace fluxrig::rack
