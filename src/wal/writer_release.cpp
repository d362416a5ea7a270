// Giving segments back: by receipt, or oldest first for a lane that may drop.
#include <algorithm>

#include "wal/frame_reader.hpp"
#include "wal/segment_scan.hpp"
#include "wal/writer.hpp"

namespace fluxrig::wal {
namespace {

constexpr const char* kDamagedSuffix = ".damaged";

// The valid frames of a file, one after the other; what lies between them and is none is passed over.
class FileBlocks {
 public:
  FileBlocks(Disk& disk, const std::string& path) {
    auto file = disk.open(path, OpenMode::kRead);
    failed_ = !file && file.error().code != ErrorCode::kNotFound;
    if (!file) return;
    file_ = std::move(*file);
    reader_.emplace(*file_);
  }
  std::optional<FrameStep> next() {
    while (reader_ && !failed_) {
      const auto step = reader_->next();
      if (step && step->state == FrameState::kBlock) return *step;
      const auto more = step ? pass_hole(step->offset) : tl::unexpected(step.error());
      failed_ = !more;
      if (!more || !*more) break;
    }
    return std::nullopt;
  }
  void forget_damage() noexcept { damaged_ = false; }
  // Afterwards: the disk refused to give them; there were bytes that are no frame, since forget_damage().
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] bool damaged() const noexcept { return damaged_; }

 private:
  // False: the frames end here.
  Result<bool> pass_hole(std::uint64_t offset) {
    const auto content = reader_->end_of_content(offset);
    if (!content) return tl::unexpected(content.error());
    if (*content == offset) return false;
    damaged_ = true;
    return reader_->resynchronise();
  }

  bool failed_ = false;
  bool damaged_ = false;
  std::unique_ptr<File> file_;
  std::optional<FrameReader> reader_;
};

}  // namespace

bool Writer::covered(ClosedSegment& segment, const Receipts& receipts) {
  const SegmentName& name = segment.name;
  const auto all = [&] {
    if (segment.exact && segment.end == name.first) return true;  // no records
    return receipts.covers(name.epoch, {name.first, Sequence{segment.end.value - 1}});
  };
  if (all()) return true;
  if (segment.exact || !receipts.contains(name.epoch, name.first)) return false;
  // Its end was only guessed from the next segment's name, and one between may be missing: look once. A
  // segment that is damaged stays: what its damaged part held has no receipt.
  const auto scan = scan_segment(setup_.disk, setup_.directory, name);
  if (!scan) return false;
  segment.exact = true;
  if (scan->damage_count == 0 && scan->torn_bytes == 0) segment.end = scan->end;
  return all();
}

// Whether the mixer's chain stands at or behind the seal. Where it does not say how far it is, receipts
// decide.
bool Writer::passed(ClosedSegment& segment, const Receipts& receipts) {
  const auto chain = receipts.chain(segment.name.epoch);
  if (!chain) {
    // Of a signed chain the mixer always says how far it holds it, if only that it has no beginning yet.
    if (setup_.options.public_key) return false;
    // Without records no receipt can name it, and a declared loss may be all that is in it: it stays until it
    // is shipped, which a reader that says nothing of any chain shows by storing a later epoch.
    const bool no_records = segment.exact && segment.end == segment.name.first;
    return !no_records || (receipts.newest_epoch() > segment.name.epoch && !receipts.knows_chains());
  }
  if (chain->next != segment.end) return chain->next > segment.end;
  // What cannot be read may be the very block that the mixer stands at.
  if (segment.damaged) return true;
  // At its end: behind it, unless the head is a block of this segment other than its last. A segment without
  // records is the last of its epoch, and a head that is not in it at all stands before it.
  if (segment.judged == chain->hash) return !segment.behind;
  bool found = false;
  bool more = false;
  FileBlocks blocks(setup_.disk, path_of(setup_.directory, segment.name));
  while (const auto block = blocks.next()) {
    more = found;
    if (model::hash_block(block->block) != chain->hash) continue;
    found = true;
    more = false;
    blocks.forget_damage();
  }
  if (blocks.failed()) return false;
  const bool no_records = segment.exact && segment.end == segment.name.first;
  // The head, or a block behind it, may be what cannot be read.
  const bool behind = blocks.damaged() || (found ? more : no_records);
  segment.judged = chain->hash;
  segment.behind = behind;
  return !behind;
}

Result<void> Writer::discard(const ClosedSegment& segment) {
  const std::string path = path_of(setup_.directory, segment.name);
  const bool recycle = spares_.has_room() && segment.file_bytes >= setup_.options.segment_bytes / 2;
  auto done = segment.damaged ? setup_.disk.rename(path, path + kDamagedSuffix)
              : recycle       ? spares_.add(path, segment.file_bytes)
                              : setup_.disk.unlink(path);
  if (!done && done.error().code == ErrorCode::kNotFound) done = {};  // somebody deleted it by hand
  return done;
}

Result<ReleaseCounts> Writer::release(const Receipts& receipts) {
  ReleaseCounts counts;
  Result<void> done;
  waiting_for_chain_ = 0;
  // With the last segment of this epoch goes the last trace of where it ended.
  if (!active_) {
    if (const auto stored = remember_end(); !stored) return tl::unexpected(stored.error());
  }
  for (auto at = closed_.begin(); at != closed_.end() && done;) {
    if (!covered(*at, receipts)) {
      ++at;
      continue;
    }
    if (!passed(*at, receipts)) {
      ++waiting_for_chain_;
      ++at;
      continue;
    }
    done = discard(*at);
    if (!done) break;
    ++counts.segments;
    counts.bytes += at->file_bytes;
    at = closed_.erase(at);
  }
  if (counts.segments > 0) {
    const auto synced = setup_.disk.sync_directory(setup_.directory);
    if (!synced) return tl::unexpected(synced.error());
    spares_.confirm();
  }
  if (!done) return tl::unexpected(done.error());
  return counts;
}

std::optional<Sequence> Writer::end_of(const SegmentName& name) const noexcept {
  for (const auto& segment : closed_)
    if (segment.name == name) return segment.end;
  return std::nullopt;
}

void Writer::mark_damaged(const SegmentName& name) {
  for (auto& segment : closed_)
    if (segment.name == name) segment.damaged = true;
}

Result<std::optional<DroppedSegment>> Writer::drop_oldest() {
  if (closed_.empty()) return std::optional<DroppedSegment>();
  const ClosedSegment oldest = closed_.front();
  const auto gone = setup_.disk.unlink(path_of(setup_.directory, oldest.name));
  if (!gone && gone.error().code != ErrorCode::kNotFound) return tl::unexpected(gone.error());
  closed_.erase(closed_.begin());
  if (const auto synced = setup_.disk.sync_directory(setup_.directory); !synced)
    return tl::unexpected(synced.error());
  return std::optional(DroppedSegment{oldest.name, oldest.end, oldest.file_bytes});
}

}  // namespace fluxrig::wal
