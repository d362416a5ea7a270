// The one segment that is being written: frames at its tail, zeros written ahead of them, and the frames
// since the last sync kept in memory so that a failed sync can be repaired. One thread.
#pragma once

#include <cstdint>
#include <memory>

#include "wal/disk.hpp"
#include "wal/segment_name.hpp"

namespace fluxrig::wal {

class ActiveSegment {
 public:
  // `tail`: where the next frame goes; the bytes from there to `allocated` are zeros.
  ActiveSegment(std::unique_ptr<File> file, SegmentName name, std::uint64_t tail, std::uint64_t allocated)
      : file_(std::move(file)), name_(name), tail_(tail), synced_tail_(tail), allocated_(allocated) {}

  // One system call. On failure the tail stays where it was, and the next frame overwrites what was written.
  [[nodiscard]] Result<void> append(ByteView block);
  // After a failure the frames since the last success are written again by the next call: the kernel forgets
  // pages that it could not write, and would call the next sync good.
  [[nodiscard]] Result<void> sync();
  // Zeros from allocated() to `end`.
  [[nodiscard]] Result<void> allocate(std::uint64_t end);
  // Zeros over the `bytes` after the tail: a torn frame.
  [[nodiscard]] Result<void> clear_tail(std::uint64_t bytes);
  // The same, by the next append and in its one write.
  void overwrite_tail(std::uint64_t bytes) noexcept;

  // Zeros over what a failed append left, where no other append follows it.
  [[nodiscard]] Result<void> clear_soiled();

  [[nodiscard]] const SegmentName& name() const noexcept { return name_; }
  [[nodiscard]] std::uint64_t tail() const noexcept { return tail_; }
  [[nodiscard]] std::uint64_t synced_tail() const noexcept { return synced_tail_; }
  [[nodiscard]] std::uint64_t unsynced_bytes() const noexcept { return unsynced_.size(); }
  [[nodiscard]] std::uint64_t allocated() const noexcept { return allocated_; }
  [[nodiscard]] std::uint64_t file_bytes() const noexcept { return allocated_ > tail_ ? allocated_ : tail_; }

 private:
  std::unique_ptr<File> file_;
  SegmentName name_;
  std::uint64_t tail_;
  std::uint64_t synced_tail_;
  std::uint64_t allocated_;
  std::uint64_t soiled_end_ = 0;  // a failed append may have left bytes up to here
  bool rewrite_ = false;          // the last sync failed
  Bytes unsynced_;                // the frames from synced_tail_ to tail_
};

// Zeros from `from` to `end`, in bounded pieces.
[[nodiscard]] Result<void> write_zeros(File& file, std::uint64_t from, std::uint64_t end);

}  // namespace fluxrig::wal
