// Blocks of telemetry that cannot go to the bus now, on disk: a WAL directory of its own, bounded, the oldest
// segment out first, every batch that goes so counted and named (TelemetryLedger). Never stops anything: what
// the disk does not take is dropped and counted. docs/formats/telemetry-backlog.md. One thread (the link);
// everything in Setup outlives it.
//
// kill -9 loses nothing that append() took. Power loss takes what came within kSyncEvery before it: batches
// are not synced one by one. Whatever was not acknowledged is given out again after a restart; the mixer
// knows a batch by its sequences.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lane/backlog_entry.hpp"
#include "lane/drops.hpp"
#include "lane/telemetry_ledger.hpp"
#include "wal/receipts.hpp"
#include "wal/writer.hpp"

namespace fluxrig::lane {

class TelemetryBacklog {
 public:
  using Position = RecordPosition;
  static constexpr std::uint64_t kMinBytes = 4U << 20;  // that an operator may choose
  static constexpr std::int64_t kSyncEvery = kNanosPerSecond;
  static constexpr std::uint64_t kMostUnsynced = 1U << 20;
  static constexpr std::int64_t kStoreEvery = kNanosPerSecond;  // acknowledgements
  // Blocks that may be sent before the marks on disk must say so.
  static constexpr std::uint64_t kSentAhead = 256;

  struct Setup {
    wal::Disk& disk;
    const Clock& clock;
    TelemetryLedger& ledger;
    DropCounters& drops;
    std::string directory;  // made when its parent exists
    MachineId machine_id;
    std::string rack;
    std::string software;
    std::uint64_t bytes = 256U << 20;  // of the directory: several segments
    // What this lane leaves free on the disk; above what the audit lane leaves, so that telemetry goes first.
    std::uint64_t free_bytes = 128U << 20;
    std::uint64_t least_segment_bytes = 128U << 10;  // a segment is a 64th of the directory, but never less
  };
  // A failure is a sentence for the operator; the rack runs without.
  [[nodiscard]] static Outcome<std::unique_ptr<TelemetryBacklog>> open(const Setup& setup);

  struct Item {
    Position position;
    TelemetryBlock block;
  };
  struct Stats {
    std::uint64_t bytes = 0;          // on disk
    std::uint64_t blocks = 0;         // not acknowledged
    std::optional<UnixNanos> oldest;  // of them, as far as they are synced
    std::size_t damaged_places = 0;  // passed over; what was in them is not accounted for, and not waited for
  };

  // False: not kept, and counted as evicted. `sent`: whether it was ever handed to the bus.
  bool append(const TelemetryBlock& block, Sent sent);

  // The oldest that has not been given out since the last rewind; nullopt: none. A failure of the disk, which
  // must first hold that it may have been sent: asking again tries again.
  [[nodiscard]] Result<std::optional<Item>> next();
  // The stream has it. Of one that was evicted meanwhile: nothing.
  void acknowledge(Position position);
  // Begins again with the oldest that is not acknowledged.
  void rewind();

  // What the audit lane says of the disk.
  enum class Need : std::uint8_t {
    kNone,
    kSpace,  // it runs on its reserve
  };
  // One bounded step: syncs, evicts, stores acknowledgements, gives space back. True: there is more to do at
  // once. Call it at least every kSyncEvery while there is something in here; a failure shows in nothing else
  // than that it is tried again.
  bool keep_house(Need need);
  // A clean end: everything is on disk.
  [[nodiscard]] Result<void> close();

  [[nodiscard]] bool empty() const noexcept { return blocks_ == 0; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return writer_->used_bytes(); }
  [[nodiscard]] std::uint64_t blocks() const noexcept { return blocks_; }
  [[nodiscard]] Stats stats() const;  // reads the disk
  [[nodiscard]] const std::string& directory() const noexcept { return writer_->directory(); }

 private:
  TelemetryBacklog(const Setup& setup, std::unique_ptr<wal::Writer> writer, wal::Receipts receipts,
                   BacklogMarks marks);
  void lose(const TelemetryBlock& block, DropCause cause, Sent sent);  // it is not kept
  void read_from(Position start);
  void count_blocks();
  void give_up_unreadable();
  void drop_again();
  [[nodiscard]] bool is_gone(Position position) const;
  [[nodiscard]] std::uint64_t waiting_in(const wal::SegmentName& name, Sequence end) const;
  Result<void> sync();
  [[nodiscard]] Result<std::vector<BacklogEntry>> read_heads(const wal::SegmentName& name);
  [[nodiscard]] bool evict();
  void store_marks();
  [[nodiscard]] Result<void> promise_sent(Position position);
  [[nodiscard]] bool is_short_of_disk() const;
  void release();

  Setup setup_;
  std::unique_ptr<wal::Writer> writer_;
  wal::Receipts receipts_;
  BacklogMarks marks_;
  std::optional<RecordReader> reader_;  // never empty; optional so that it can begin anew
  std::set<Position> given_;            // out and not acknowledged
  std::uint64_t blocks_ = 0;
  std::size_t damaged_places_ = 0;  // of the readers before reader_
  std::uint64_t unsynced_bytes_ = 0;
  bool marks_changed_ = false;
  MonotonicNanos synced_at_;
  MonotonicNanos stored_at_;
  Bytes scratch_;
};

}  // namespace fluxrig::lane
