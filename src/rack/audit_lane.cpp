#include "rack/audit_lane.hpp"

#include <fmt/format.h>

namespace fluxrig::rack {

AuditLane::AuditLane(wal::Disk& disk, std::unique_ptr<wal::Writer> writer, wal::Receipts receipts,
                     const Clock& clock, Diagnostics& diagnostics)
    : disk_(disk),
      writer_(std::move(writer)),
      receipts_(std::move(receipts)),
      clock_(clock),
      diagnostics_(diagnostics),
      stored_at_(clock.monotonic()) {}

Result<void> AuditLane::append(ByteView records, std::uint32_t count) {
  auto appended = writer_->append(records, count);
  if (!appended) return tl::unexpected(appended.error());
  return {};
}

Result<void> AuditLane::sync() {
  if (auto synced = writer_->sync(); !synced) return synced;
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
  for (const auto& receipt : taken)
    for (const auto& [first, last] : receipt.ranges)
      if (const auto added = receipts_.add(receipt.epoch, {first, last}); !added)
        diagnostics_.warn("wal", "a receipt is not kept; its records are sent again",
                          {{"cause", to_string(added.error())}});
}

// The receipts are on disk before the segments that they cover go.
void AuditLane::store_and_release() {
  receipts_.forget_before(writer_->oldest_epoch());
  if (const auto stored = receipts_.store(disk_, writer_->directory()); !stored) {
    diagnostics_.warn("wal", "cannot store the receipts; segments stay until it works",
                      {{"directory", writer_->directory()}, {"cause", to_string(stored.error())}});
    return;
  }
  if (const auto released = writer_->release(receipts_); !released)
    diagnostics_.warn("wal", "cannot release segments that the mixer has stored",
                      {{"directory", writer_->directory()}, {"cause", to_string(released.error())}});
}

bool AuditLane::housekeep() {
  take_receipts();
  const MonotonicNanos now = clock_.monotonic();
  if (receipts_.changed() && now.value - stored_at_.value >= kStoreReceiptsEvery) {
    stored_at_ = now;
    store_and_release();
  }
  const auto more = writer_->maintain();
  return more && *more;
}

void AuditLane::close() {
  take_receipts();
  if (const auto closed = writer_->close(); !closed)
    diagnostics_.error("wal", "the audit log was not closed cleanly; the next start recovers it",
                       {{"directory", writer_->directory()}, {"cause", to_string(closed.error())}});
  if (receipts_.changed()) store_and_release();
}

}  // namespace fluxrig::rack
