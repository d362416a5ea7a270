// The write side of one lane's directory: recovery at open, appends, group commit, rotation, release. One
// thread; the disk and the clock outlive it. What is not synced when it is destroyed is as after a crash.
//
// A failed append (kFull, kIo) leaves no trace: no sequence is used, the next append overwrites what was
// written, and it may simply be tried again later. A failed sync keeps its frames in memory and the next one
// writes them again.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "model/block.hpp"
#include "wal/active_segment.hpp"
#include "wal/chain.hpp"
#include "wal/durable_limit.hpp"
#include "wal/receipts.hpp"
#include "wal/recovery.hpp"
#include "wal/reserve.hpp"
#include "wal/spare_pool.hpp"

namespace fluxrig::wal {

struct WriterOptions {
  std::uint64_t segment_bytes = 8U << 20;  // at least kMinSegmentBytes
  std::int64_t segment_age_nanos = 600 * kNanosPerSecond;
  std::uint64_t directory_bytes = 2ULL << 30;    // of segments and spares; append fails with kFull beyond it
  std::uint64_t free_reserve_bytes = 64U << 20;  // left free on the disk
  // Kept in files beside the segments and given up when the disk is at that reserve or full: what was
  // accepted can still be recorded. Steps of Reserve::kStepBytes; 0: none.
  std::uint64_t reserve_bytes = 0;
  std::uint64_t zero_step_bytes = 1U << 20;  // zeros written ahead at a time, at most
  std::size_t spare_segments = 4;
  std::string rack;                                    // into the headers
  std::string software;                                // into the headers
  std::optional<PublicKey> public_key = std::nullopt;  // into the headers, of a lane whose chain is signed
  // The new epoch is at least this. The Unix time in seconds makes sure that an old backup of the directory,
  // put back, uses no epoch again that the mixer has seen.
  std::uint32_t epoch_floor = 0;
  // Any number, another one at each start: while epochs are ahead of that floor, two starts from one backup
  // take different ones.
  std::uint32_t epoch_random = 0;

  static constexpr std::uint64_t kMinSegmentBytes = 16U << 10;
};

struct WriterSetup {
  Disk& disk;
  const Clock& clock;
  std::string directory;  // the lane's own; made when its parent exists
  MachineId machine_id;
  model::Lane lane = model::Lane::kAudit;
  WriterOptions options;
};

struct ReleaseCounts {
  std::size_t segments = 0;
  std::uint64_t bytes = 0;
};

struct DroppedSegment {
  SegmentName name;
  Sequence end;  // its records were [name.first, end)
  std::uint64_t bytes = 0;
};

class Writer {
 public:
  // More unsynced bytes than this are synced by append itself.
  static constexpr std::uint64_t kMaxUnsyncedBytes = 4U << 20;

  // Fails with a sentence for the operator: no parent directory, read-only, locked by another process,
  // another rack's. A full disk is no failure: see Recovered::segment_error.
  [[nodiscard]] static Outcome<std::unique_ptr<Writer>> open(WriterSetup setup);

  // `records` is `count` encoded record items, one after the other. On disk only after sync().
  [[nodiscard]] Result<SequenceRange> append(ByteView records, std::uint32_t count);
  // A block without records (checkpoint, loss): `body` is one encoded map. Has room kept for it at the end of
  // the segment, and 64 KiB beyond the lane's limit: a loss and a checkpoint can be written when no record
  // can, also by starts whose predecessors died before they had. What is damaged goes only once it is
  // declared.
  [[nodiscard]] Result<void> append_control(model::BlockKind kind, ByteView body);
  // Whether records of that many bytes could be appended now; makes the room for them.
  [[nodiscard]] Result<void> make_room(std::uint64_t records_bytes);
  // Afterwards append_control() of a body of that size starts no segment: head() is the block before it.
  [[nodiscard]] Result<void> make_control_room(std::uint64_t body_bytes);
  // The group commit: everything appended is on disk, and visible to cursors. No system call when nothing is
  // new.
  [[nodiscard]] Result<void> sync();
  // Seals the segment and starts another, when it holds records.
  [[nodiscard]] Result<void> rotate();
  // One bounded step of work that no reply should wait for: rotation by age, zeros ahead, spares. True when
  // there is more. Call it after replies are released, until false.
  [[nodiscard]] Result<bool> maintain();

  // From now on spares are zeroed by this, which outlives the writer or the next call, and segments that fill
  // fast find the next one ready; null: maintain() zeroes. Waits for work under way.
  void work_beside(Background* background) { spares_.work_beside(background); }

  // Deletes or recycles the closed segments of which every record has its receipt, and that the mixer's chain
  // has passed, where it says how far it is; nothing else, ever. Damaged ones are renamed to `*.damaged`.
  [[nodiscard]] Result<ReleaseCounts> release(const Receipts& receipts);
  // Closed segments that have all receipts and wait for the mixer's chain, as of the last release().
  [[nodiscard]] std::size_t waiting_for_chain() const noexcept { return waiting_for_chain_; }
  // One more than the last sequence of a closed segment; nullopt: it is not one.
  [[nodiscard]] std::optional<Sequence> end_of(const SegmentName& name) const noexcept;
  // What cannot be read of it is declared, by a block that the mixer must get like any other: then its chain
  // passes over what is missing, and what waits for that goes. This one is renamed when it goes.
  void mark_damaged(const SegmentName& name);
  // The disk is full and the reserve is being used: take no new work.
  [[nodiscard]] bool on_reserve() const noexcept { return reserve_.in_use(); }
  // Deletes the oldest closed segment, receipts or not: for a lane that drops its oldest. nullopt: none.
  [[nodiscard]] Result<std::optional<DroppedSegment>> drop_oldest();
  // Seals and syncs: a clean end. Appends are refused afterwards; cursors and release go on working.
  [[nodiscard]] Result<void> close();

  [[nodiscard]] const Recovered& recovered() const noexcept { return recovered_; }
  [[nodiscard]] Epoch epoch() const noexcept { return recovered_.epoch; }
  [[nodiscard]] Sequence next_sequence() const noexcept { return chain_.next(); }
  [[nodiscard]] const model::Hash& head() const noexcept { return chain_.head(); }
  [[nodiscard]] Epoch oldest_epoch() const noexcept;
  [[nodiscard]] std::uint64_t used_bytes() const noexcept;
  [[nodiscard]] std::size_t segment_count() const noexcept { return closed_.size() + (active_ ? 1 : 0); }
  [[nodiscard]] const DurableLimit& durable() const noexcept { return durable_; }  // lives as long as this
  [[nodiscard]] const std::string& directory() const noexcept { return setup_.directory; }

 private:
  Writer(WriterSetup setup, std::unique_ptr<Lock> lock, Recovery recovery);

  enum class Room : std::uint8_t { kRecords, kControl };
  [[nodiscard]] Result<void> prepare(std::uint64_t frame_bytes, Room room);
  [[nodiscard]] bool should_rotate(std::uint64_t frame_bytes, Room room);
  [[nodiscard]] Result<void> room_for_segment(Room room);
  [[nodiscard]] Result<void> remember_end();
  [[nodiscard]] Result<void> write(const Chain::Content& content);
  [[nodiscard]] Result<void> open_segment(Room room);
  [[nodiscard]] Result<std::unique_ptr<ActiveSegment>> make_segment(const SegmentName& name, Room room);
  [[nodiscard]] Result<void> close_segment();
  [[nodiscard]] Result<void> ensure_allocated(std::uint64_t needed, Room room);
  [[nodiscard]] Result<void> check_room(std::uint64_t more, Room room);
  [[nodiscard]] std::uint64_t limit(Room room) const noexcept;
  [[nodiscard]] std::uint64_t first_step(Room room) const noexcept;
  [[nodiscard]] std::uint64_t next_step() const noexcept;
  [[nodiscard]] bool wants_spare() const;
  [[nodiscard]] bool too_old() const noexcept;
  [[nodiscard]] bool covered(ClosedSegment& segment, const Receipts& receipts);
  [[nodiscard]] bool passed(ClosedSegment& segment, const Receipts& receipts);
  [[nodiscard]] Result<void> discard(const ClosedSegment& segment);
  void publish();

  WriterSetup setup_;
  std::unique_ptr<Lock> lock_;
  Recovered recovered_;
  std::vector<ClosedSegment> closed_;  // oldest first
  Chain chain_;
  SparePool spares_;
  Reserve reserve_;
  std::uint64_t credit_ = 0;  // of the reserve that was given up and not yet used
  std::size_t waiting_for_chain_ = 0;
  bool end_remembered_ = false;
  std::unique_ptr<ActiveSegment> active_;  // null after a failure to make one
  bool sealed_ = false;                    // the seal is written, its sync is not yet good
  bool ended_ = false;                     // close() was called
  std::uint64_t blocks_ = 0;               // in the active segment
  std::uint64_t records_ = 0;
  MonotonicNanos opened_at_;
  DurableLimit durable_;
};

}  // namespace fluxrig::wal
