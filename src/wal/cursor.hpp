// Reads the blocks of a lane's directory in order, across segments, while its Writer appends (give it the
// Writer's DurableLimit: it then sees only what is on disk) or offline (no limit: up to the tail). A bad
// frame is reported by name and offset and stays the answer until skip_damage(). Segments that are released
// under it are passed over. One thread, which need not be the Writer's; the disk and the limit outlive it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "wal/durable_limit.hpp"
#include "wal/frame_reader.hpp"
#include "wal/segment_scan.hpp"

namespace fluxrig::wal {

struct StoredBlock {
  SegmentName segment;
  std::uint64_t offset = 0;  // of its frame
  ByteView bytes;            // the block as hashed and published; valid until the next call on the cursor
  model::BlockView view;     // views `bytes`
};

class Cursor {
 public:
  // The first block given out is the one that holds the sequence, or the next there is; zeros: the oldest.
  struct Start {
    Epoch epoch;
    Sequence sequence;
  };
  Cursor(Disk& disk, std::string directory, Start start, const DurableLimit* limit = nullptr)
      : disk_(disk), directory_(std::move(directory)), start_(start), limit_(limit) {}

  // nullopt: nothing more for now; ask again after the next sync. kCorrupt: see damage(). kIo, kNotFound: the
  // disk said no; asking again tries again. Blocks of every kind are given out, headers and seals too.
  [[nodiscard]] Result<std::optional<StoredBlock>> next();

  [[nodiscard]] const std::optional<Damage>& damage() const noexcept { return damage_; }
  // Goes on at the next valid frame of the segment, else at the next segment.
  [[nodiscard]] Result<void> skip_damage();

 private:
  // Bounds the segments that are passed over in one call.
  static constexpr int kMaxHops = 100'000;
  enum class Progress : std::uint8_t { kBlock, kAgain, kNothing };

  [[nodiscard]] Result<Progress> advance(StoredBlock& out);
  [[nodiscard]] Result<bool> open_following();
  [[nodiscard]] Result<Progress> at_block(const FrameStep& step, StoredBlock& out);
  [[nodiscard]] Result<Progress> at_unwritten(const FrameStep& step, std::uint64_t limit);
  [[nodiscard]] Result<Progress> anomaly(const FrameStep& step, const char* what);
  [[nodiscard]] Result<std::optional<SegmentName>> following() const;
  [[nodiscard]] std::uint64_t limit_of_segment() const;
  [[nodiscard]] bool before_start(const model::BlockHead& head) const noexcept;
  void leave_segment() noexcept;

  Disk& disk_;
  std::string directory_;
  Start start_;
  const DurableLimit* limit_;
  std::unique_ptr<File> file_;
  std::optional<FrameReader> reader_;
  SegmentName segment_;               // open, or the last that was
  std::optional<Sequence> expected_;  // nullopt after damage: whatever comes
  bool sealed_ = false;
  std::optional<Damage> damage_;
};

}  // namespace fluxrig::wal
