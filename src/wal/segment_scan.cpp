#include "wal/segment_scan.hpp"

#include "wal/frame_reader.hpp"

namespace fluxrig::wal {
namespace {

class Scanner {
 public:
  Scanner(const File& file, const SegmentName& name) : reader_(file) {
    scan_.name = name;
    scan_.end = name.first;
  }

  Result<SegmentScan> run() {
    for (;;) {
      const auto step = reader_.next();
      if (!step) return tl::unexpected(step.error());
      if (step->state == FrameState::kBlock) {
        take(*step);
        continue;
      }
      const auto more = pass_hole(*step);
      if (!more) return tl::unexpected(more.error());
      if (!*more) return std::move(scan_);
    }
  }

 private:
  void damage(std::uint64_t offset, const char* what) {
    ++scan_.damage_count;
    if (scan_.damages.size() < SegmentScan::kMaxDamages)
      scan_.damages.push_back({to_string(scan_.name), offset, scan_.name.epoch, scan_.end, what});
  }

  // A bad frame, or zeros, with valid frames after it is damage; with none after it, it is the end.
  Result<bool> pass_hole(const FrameStep& step) {
    const auto content = reader_.end_of_content(step.offset);
    if (!content) return tl::unexpected(content.error());
    scan_.torn_bytes = *content - step.offset;
    if (*content == step.offset) return false;
    const auto found = reader_.resynchronise();  // unlimited: a frame may well end in zeros
    if (!found) return tl::unexpected(found.error());
    if (!*found) return false;
    damage(step.offset, step.state == FrameState::kDamaged ? step.what : "zeros where a frame should be");
    after_damage_ = true;
    scan_.torn_bytes = 0;
    return true;
  }

  void take(const FrameStep& step) {
    const model::BlockHead& head = step.view.head;
    if (scan_.sealed) damage(step.offset, "a block after the seal");
    if (head.epoch != scan_.name.epoch) damage(step.offset, "a block of another epoch");
    if (scan_.blocks == 0) {
      take_first(step);
    } else {
      if (head.machine_id != scan_.machine_id || head.lane != scan_.lane)
        damage(step.offset, "a block of another rack or lane");
      // After a hole neither can fit, and the hole is already reported.
      if (!after_damage_ && head.first != scan_.end) damage(step.offset, "a gap in the sequence");
      if (!after_damage_ && head.previous != scan_.head)
        damage(step.offset, "the previous block's hash does not match");
    }
    if (head.kind == model::BlockKind::kSeal) take_seal(step);
    after_damage_ = false;
    ++scan_.blocks;
    scan_.records += head.count;
    scan_.end.value = head.first.value + head.count;
    scan_.head = model::hash_block(step.block);
    scan_.tail = step.offset + step.frame_bytes;
  }

  void take_first(const FrameStep& step) {
    const model::BlockHead& head = step.view.head;
    scan_.machine_id = head.machine_id;
    scan_.lane = head.lane;
    scan_.first_previous = head.previous;
    if (after_damage_) return;
    if (head.kind != model::BlockKind::kHeader) {
      damage(step.offset, "the segment does not start with a header");
      return;
    }
    if (head.first != scan_.name.first) damage(step.offset, "the header does not fit the file's name");
    const auto body = decode_header_body(step.view.body);
    if (!body)
      damage(step.offset, "the header's body is not valid");
    else
      scan_.link = body->link;
  }

  void take_seal(const FrameStep& step) {
    scan_.sealed = true;
    const auto body = decode_seal_body(step.view.body);
    if (!body || body->blocks != scan_.blocks || body->records != scan_.records)
      damage(step.offset, "the seal does not fit the segment");
  }

  FrameReader reader_;
  SegmentScan scan_;
  bool after_damage_ = false;
};

}  // namespace

Result<SegmentScan> scan_segment(const File& file, const SegmentName& name) {
  auto scan = Scanner(file, name).run();
  if (!scan) return scan;
  const auto size = file.size();
  if (!size) return tl::unexpected(size.error());
  scan->file_bytes = *size;
  return scan;
}

Result<SegmentScan> scan_segment(Disk& disk, const std::string& directory, const SegmentName& name) {
  const auto file = disk.open(path_of(directory, name), OpenMode::kRead);
  if (!file) return tl::unexpected(file.error());
  return scan_segment(**file, name);
}

}  // namespace fluxrig::wal
