#include "wal/damage.hpp"

#include "wal/frame_reader.hpp"

namespace fluxrig::wal {

Result<std::vector<LossBody::Range>> damaged_ranges(Disk& disk, const std::string& directory,
                                                    const SegmentName& name, Sequence end) {
  const auto file = disk.open(path_of(directory, name), OpenMode::kRead);
  if (!file) return tl::unexpected(file.error());
  FrameReader reader(**file);
  std::vector<LossBody::Range> ranges;
  Sequence next = name.first;
  bool hole = false;
  const auto close = [&](Sequence behind) {
    // `last` = `first` - 1 where nothing but blocks without records is gone.
    if (hole && behind >= next) ranges.push_back({name.epoch, next, Sequence{behind.value - 1}});
    hole = false;
  };
  while (ranges.size() < kMaxDamagedRanges) {
    const auto step = reader.next();
    if (!step) return tl::unexpected(step.error());
    if (step->state == FrameState::kBlock && step->view.head.epoch == name.epoch) {
      if (step->view.head.first > next) hole = true;
      close(step->view.head.first);
      next = {step->view.head.first.value + step->view.head.count};
      continue;
    }
    if (step->state == FrameState::kBlock) {
      hole = true;
      continue;
    }
    const auto content = reader.end_of_content(step->offset);
    if (!content) return tl::unexpected(content.error());
    if (*content == step->offset) break;
    hole = true;
    const auto found = reader.resynchronise();
    if (!found) return tl::unexpected(found.error());
    if (!*found) break;
  }
  if (end > next) hole = true;
  close(end);
  return ranges;
}

}  // namespace fluxrig::wal
