#include "rack/audit_lane.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fluxrig::rack {

AuditLane::AuditLane(wal::Disk& disk, std::unique_ptr<wal::Writer> writer, wal::Receipts receipts,
                     const Clock& clock, Diagnostics& diagnostics)
    : disk_(disk),
      writer_(std::move(writer)),
      receipts_(std::move(receipts)),
      clock_(clock),
      diagnostics_(diagnostics),
      stored_at_(clock.monotonic()) {
  for (const auto& damage : writer_->recovered().damages) deliver_damage(damage.file);
}

Result<void> AuditLane::try_append(ByteView records, std::uint32_t count) {
  auto appended = writer_->append(records, count);
  if (!appended) return tl::unexpected(appended.error());
  return {};
}

Result<void> AuditLane::sync() {
  if (auto synced = writer_->sync(); !synced) {
    begin_trouble(synced.error());
    if (continue_) return {};
    return synced;
  }
  last_synced_.store(writer_->next_sequence().value - 1, std::memory_order_relaxed);
  return {};
}

void AuditLane::deliver_receipt(const model::Receipt& receipt) {
  const std::lock_guard lock(mutex_);
  // A later receipt of the same epoch names all that an earlier one did, so the oldest may go.
  if (waiting_.size() >= kMaxWaitingReceipts) waiting_.erase(waiting_.begin());
  waiting_.push_back(receipt);
}

void AuditLane::take_receipts() {
  std::vector<model::Receipt> taken;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(waiting_);
  }
  for (const auto& receipt : taken) {
    for (const auto& [first, last] : receipt.ranges)
      if (const auto added = receipts_.add(receipt.epoch, {first, last}); !added)
        diagnostics_.warn("wal", "a receipt is not kept; its records are sent again",
                          {{"cause", to_string(added.error())}});
    if (receipt.chain) (void)receipts_.set_chain(receipt.epoch, {receipt.chain->next, receipt.chain->hash});
  }
}

// The receipts are on disk before the segments that they cover go.
void AuditLane::store_and_release() {
  receipts_.forget_before(writer_->oldest_epoch());
  const auto stored = receipts_.changed() ? receipts_.store(disk_, writer_->directory()) : Result<void>{};
  if (!stored) {
    diagnostics_.warn("wal", "cannot store the receipts; segments stay until it works",
                      {{"directory", writer_->directory()}, {"cause", to_string(stored.error())}});
    return;
  }
  if (const auto released = writer_->release(receipts_); !released)
    diagnostics_.warn("wal", "cannot release segments that the mixer has stored",
                      {{"directory", writer_->directory()}, {"cause", to_string(released.error())}});
  if (writer_->waiting_for_chain() == 0) {
    behind_since_.reset();
    chain_patience_ = kChainPatience;
  } else if (!behind_since_) {
    behind_since_ = clock_.monotonic();
  }
}

// All records of a segment are stored, and still the mixer misses a block of its chain: one without records
// was lost on the way, or what is older is still to come.
void AuditLane::watch_chain() {
  const MonotonicNanos now = clock_.monotonic();
  if (!behind_since_ || now.value - behind_since_->value < chain_patience_) return;
  behind_since_ = now;
  if (!listeners_.chain_behind()) return;
  chain_patience_ = std::min(2 * chain_patience_, kMaxChainPatience);
  diagnostics_.warn("wal", "the mixer misses blocks of the audit chain: they are sent again");
}

void AuditLane::sign() {
  if (!signer_) return;
  const auto written = signer_->turn(*writer_);
  if (written && *written) {
    news_ = true;
    last_synced_.store(writer_->next_sequence().value - 1, std::memory_order_relaxed);
  }
  if (!written && !trouble_) begin_trouble(written.error());
}

bool AuditLane::housekeep() {
  take_receipts();
  const MonotonicNanos now = clock_.monotonic();
  housekept_at_ = now;
  // Not only after news: what an earlier run, or a disk that refused, left to release would else stay for
  // good, and a full lane would never take work again.
  const bool may_release = receipts_.changed() || writer_->segment_count() > 1;
  const bool fast = receipts_.changed() && writer_->segment_count() > 2;
  if (may_release && now.value - stored_at_.value >= (fast ? kStoreReceiptsSoon : kStoreReceiptsEvery)) {
    stored_at_ = now;
    store_and_release();
  }
  watch_chain();
  outlive_trouble();
  declare_damages();
  sign();
  // A disk that refuses keeps the old segment: only the order of release depends on it.
  if (begin_segment_.exchange(false, std::memory_order_acq_rel)) (void)writer_->rotate();
  const auto more = writer_->maintain();
  return more && *more;
}

std::optional<MonotonicNanos> AuditLane::due() const noexcept {
  std::optional<MonotonicNanos> due;
  const auto sooner = [&](MonotonicNanos one) { due = due ? std::min(*due, one) : one; };
  if (signer_ && signer_->due()) sooner(*signer_->due());
  if (trouble_) sooner(trouble_->retry_at);
  if (writer_->on_reserve()) sooner({housekept_at_.value + kRetryEvery});
  if (!damaged_.empty()) sooner(damage_retry_at_);
  if (behind_since_) sooner({behind_since_->value + chain_patience_});
  return due;
}

void AuditLane::close() {
  take_receipts();
  outlive_trouble();
  if (signer_)
    if (const auto written = signer_->finish(*writer_); !written)
      diagnostics_.warn("wal",
                        "the last records of the audit log are not signed; the next start links to them",
                        {{"cause", to_string(written.error())}});
  if (const auto closed = writer_->close(); !closed)
    diagnostics_.error("wal", "the audit log was not closed cleanly; the next start recovers it",
                       {{"directory", writer_->directory()}, {"cause", to_string(closed.error())}});
  if (receipts_.changed()) store_and_release();
}

}  // namespace fluxrig::rack
