// The audit WAL as the pump's output, and what else happens to it on the pump's thread: checkpoints, declared
// losses, receipts, release, housekeeping. One thread (the pump), except the `deliver_` functions.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "base/diagnostics.hpp"
#include "model/receipt.hpp"
#include "tap/outputs.hpp"
#include "wal/chain_signer.hpp"
#include "wal/cursor.hpp"
#include "wal/receipts.hpp"
#include "wal/writer.hpp"

namespace fluxrig::rack {

class AuditLane final : public tap::AuditOutput {
 public:
  static constexpr std::int64_t kStoreReceiptsEvery = kNanosPerSecond;
  // While segments close faster than that: those that go are the next ones to be written.
  static constexpr std::int64_t kStoreReceiptsSoon = kNanosPerSecond / 5;
  static constexpr std::int64_t kRetryEvery = kNanosPerSecond;  // losses and damage, while the disk says no
  static constexpr std::int64_t kRetryAppend = 100 * kNanosPerMilli;
  static constexpr std::int64_t kChainPatience = 30 * kNanosPerSecond;  // doubled each time, up to
  static constexpr std::int64_t kMaxChainPatience = 600 * kNanosPerSecond;
  static constexpr std::size_t kMaxWaitingReceipts = 1024;
  static constexpr std::size_t kMaxDamagedSegments = 1024;

  AuditLane(wal::Disk& disk, std::unique_ptr<wal::Writer> writer, wal::Receipts receipts, const Clock& clock,
            Diagnostics& diagnostics);

  // Before the first append. Without a signer the chain is not signed.
  void sign_with(std::unique_ptr<wal::ChainSigner> signer) { signer_ = std::move(signer); }
  // Records that cannot be written count as lost and are declared; without it append fails instead.
  void continue_when_full() noexcept { continue_ = true; }
  // On the pump's thread.
  struct Listeners {
    std::function<void(const wal::LossBody&)> lost = [](const wal::LossBody&) {};  // it is over, and declared
    // The mixer lacks blocks of the chain: ship them again. False: older ones are still on their way.
    std::function<bool()> chain_behind = [] { return true; };
  };
  void listen(Listeners listeners) { listeners_ = std::move(listeners); }

  [[nodiscard]] Result<void> append(const sanitize::CleanRecords& records) override {
    return append(records.bytes(), records.count());
  }
  // The same for the bytes of a test; a program has only what passed the gate.
  [[nodiscard]] Result<void> append(ByteView records, std::uint32_t count);
  [[nodiscard]] Result<void> sync() override;

  // Slow work of the disk is done by this meanwhile, see wal::Writer.
  void work_beside(wal::Background* background) { writer_->work_beside(background); }

  // Any thread: the mixer has committed these sequences.
  void deliver_receipt(const model::Receipt& receipt);
  // Any thread: a segment that cannot be read to its end.
  void deliver_damage(std::string_view file);
  // Any thread: what is appended from now on goes into a new segment.
  void begin_segment() noexcept { begin_segment_.store(true, std::memory_order_release); }
  // One bounded step; true: there is more to do at once.
  [[nodiscard]] bool housekeep();
  // When `housekeep` has something to do that nobody rings for.
  [[nodiscard]] std::optional<MonotonicNanos> due() const noexcept;
  // Blocks that nobody appended were written since the last call: they are to be shipped.
  [[nodiscard]] bool take_news() noexcept { return std::exchange(news_, false); }
  void close();

  [[nodiscard]] const wal::Writer& writer() const noexcept { return *writer_; }
  // Any thread: the last sequence that is on disk in this epoch; 0: none.
  [[nodiscard]] Sequence last_synced() const noexcept {
    return {last_synced_.load(std::memory_order_relaxed)};
  }
  // Any thread: one past it.
  [[nodiscard]] wal::Cursor::Start live_position() const noexcept {
    return {writer_->epoch(), {last_synced().value + 1}};
  }
  // Any thread: records that were lost and declared since the start.
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }
  // The disk is full, what is written goes into the reserve.
  [[nodiscard]] bool on_reserve() const noexcept { return writer_->on_reserve(); }

 private:
  // The time in which the log cannot be written.
  struct Trouble {
    UnixNanos from;
    Error error;
    std::uint64_t lost = 0;
    bool opened = false;  // the opening declaration is in the chain
    MonotonicNanos retry_at{};
  };

  [[nodiscard]] Result<void> try_append(ByteView records, std::uint32_t count);
  [[nodiscard]] Result<void> append_after_trouble(ByteView records, std::uint32_t count);
  void begin_trouble(const Error& error);
  void open_declaration();
  [[nodiscard]] Result<void> end_trouble();
  void outlive_trouble();
  [[nodiscard]] Result<void> declare(const wal::LossBody& loss);
  void declare_damages();
  [[nodiscard]] bool declare_damage(const wal::SegmentName& name);
  [[nodiscard]] bool known_at_mixer(const wal::LossBody::Range& range) const;
  void sign();
  void take_receipts();
  void store_and_release();
  void watch_chain();

  wal::Disk& disk_;
  std::unique_ptr<wal::Writer> writer_;
  wal::Receipts receipts_;
  const Clock& clock_;
  Diagnostics& diagnostics_;
  std::unique_ptr<wal::ChainSigner> signer_;
  Listeners listeners_;
  bool continue_ = false;
  bool news_ = false;
  std::optional<Trouble> trouble_;
  MonotonicNanos stored_at_;
  MonotonicNanos housekept_at_;
  std::optional<MonotonicNanos> behind_since_;
  std::int64_t chain_patience_ = kChainPatience;
  std::set<wal::SegmentName> damaged_;   // to be declared
  std::set<wal::SegmentName> declared_;  // by this run
  MonotonicNanos damage_retry_at_{};
  std::atomic<bool> begin_segment_{false};  // set by begin_segment(), taken back by housekeep()
  std::atomic<std::uint64_t> last_synced_{0};
  std::atomic<std::uint64_t> lost_{0};
  std::mutex mutex_;  // guards waiting_ and waiting_damage_
  std::vector<model::Receipt> waiting_;
  std::vector<wal::SegmentName> waiting_damage_;
};

}  // namespace fluxrig::rack
