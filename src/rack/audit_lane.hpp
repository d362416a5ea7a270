// The audit WAL as the pump's output, and what else happens to it on the pump's thread: receipts, release,
// housekeeping. One thread (the pump), except `deliver_receipt`.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "base/diagnostics.hpp"
#include "model/receipt.hpp"
#include "tap/outputs.hpp"
#include "wal/receipts.hpp"
#include "wal/writer.hpp"

namespace fluxrig::rack {

class AuditLane final : public tap::AuditOutput {
 public:
  static constexpr std::int64_t kStoreReceiptsEvery = kNanosPerSecond;
  static constexpr std::size_t kMaxWaitingReceipts = 1024;

  AuditLane(wal::Disk& disk, std::unique_ptr<wal::Writer> writer, wal::Receipts receipts, const Clock& clock,
            Diagnostics& diagnostics);

  [[nodiscard]] Result<void> append(ByteView records, std::uint32_t count) override;
  [[nodiscard]] Result<void> sync() override;

  // Any thread: the mixer has committed these sequences.
  void deliver_receipt(const model::Receipt& receipt);
  // One bounded step; true: there is more to do at once.
  [[nodiscard]] bool housekeep();
  void close();

  [[nodiscard]] const wal::Writer& writer() const noexcept { return *writer_; }
  // Any thread: the last sequence that is on disk in this epoch; 0: none.
  [[nodiscard]] Sequence last_synced() const noexcept {
    return {last_synced_.load(std::memory_order_relaxed)};
  }

 private:
  void take_receipts();
  void store_and_release();

  wal::Disk& disk_;
  std::unique_ptr<wal::Writer> writer_;
  wal::Receipts receipts_;
  const Clock& clock_;
  Diagnostics& diagnostics_;
  MonotonicNanos stored_at_;
  std::atomic<std::uint64_t> last_synced_{0};
  std::mutex mutex_;  // guards waiting_
  std::vector<model::Receipt> waiting_;
};

}  // namespace fluxrig::rack
