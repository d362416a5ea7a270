// Giving segments back: by receipt, or oldest first for a lane that may drop.
#include <algorithm>

#include "wal/segment_scan.hpp"
#include "wal/writer.hpp"

namespace fluxrig::wal {

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

Result<ReleaseCounts> Writer::release(const Receipts& receipts) {
  ReleaseCounts counts;
  Result<void> done;
  for (auto at = closed_.begin(); at != closed_.end() && done;) {
    if (!covered(*at, receipts)) {
      ++at;
      continue;
    }
    const std::string path = path_of(setup_.directory, at->name);
    const bool recycle = spares_.has_room() && at->file_bytes >= setup_.options.segment_bytes / 2;
    done = recycle ? spares_.add(path, at->file_bytes) : setup_.disk.unlink(path);
    if (!done && done.error().code == ErrorCode::kNotFound) done = {};  // somebody deleted it by hand
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
