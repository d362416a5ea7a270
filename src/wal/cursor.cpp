#include "wal/cursor.hpp"

#include <algorithm>

namespace fluxrig::wal {

Result<std::optional<StoredBlock>> Cursor::next() {
  if (damage_) return fail(ErrorCode::kCorrupt, damage_->what);
  StoredBlock block;
  for (int hop = 0; hop < kMaxHops; ++hop) {
    const auto progress = advance(block);
    if (!progress) return tl::unexpected(progress.error());
    if (*progress == Progress::kBlock) return std::optional(block);
    if (*progress == Progress::kNothing) return std::optional<StoredBlock>();
  }
  return std::optional<StoredBlock>();
}

Result<Cursor::Progress> Cursor::advance(StoredBlock& out) {
  if (!file_) {
    const auto opened = open_following();
    if (!opened) return tl::unexpected(opened.error());
    if (!*opened) return Progress::kNothing;
  }
  const std::uint64_t limit = limit_of_segment();
  const auto step = reader_->next(limit);
  if (!step) return tl::unexpected(step.error());
  switch (step->state) {
    case FrameState::kBlock:
      return at_block(*step, out);
    case FrameState::kUnwritten:
      return at_unwritten(*step, limit);
    case FrameState::kDamaged:
      break;
  }
  if (!limit_) {
    // Offline, bad bytes at the very end are a frame that a crash, or a writer at work, has not finished.
    const auto later = following();
    if (!later) return tl::unexpected(later.error());
    const auto more = *later ? Result<bool>(true) : reader_->resynchronise();
    if (!more) return tl::unexpected(more.error());
    reader_->move_to(step->offset);
    reader_->forget();
    if (!*more) return Progress::kNothing;
  }
  return anomaly(*step, step->what);
}

Result<Cursor::Progress> Cursor::at_block(const FrameStep& step, StoredBlock& out) {
  const model::BlockHead& head = step.view.head;
  if (head.epoch != segment_.epoch || (expected_ && head.first != *expected_)) {
    reader_->move_to(step.offset);
    return anomaly(step, "a gap in the sequence");
  }
  expected_ = Sequence{head.first.value + head.count};
  sealed_ = head.kind == model::BlockKind::kSeal;
  if (before_start(head)) return Progress::kAgain;
  out = {segment_, step.offset, step.block, step.view};
  return Progress::kBlock;
}

bool Cursor::before_start(const model::BlockHead& head) const noexcept {
  if (head.epoch != start_.epoch) return head.epoch < start_.epoch;
  return head.first.value + std::max<std::uint64_t>(head.count, 1) <= start_.sequence.value;
}

Result<Cursor::Progress> Cursor::at_unwritten(const FrameStep& step, std::uint64_t limit) {
  reader_->forget();
  if (limit_ && limit != FrameReader::kNoLimit) {
    if (step.offset >= limit) return Progress::kNothing;
    return anomaly(step, "zeros where a frame should be");
  }
  const auto later = following();
  if (!later) return tl::unexpected(later.error());
  if (!sealed_) {
    const auto content = reader_->end_of_content(step.offset);
    reader_->forget();
    if (!content) return tl::unexpected(content.error());
    if (*content > step.offset) {
      const auto more = *later ? Result<bool>(true) : reader_->resynchronise();
      if (!more) return tl::unexpected(more.error());
      reader_->move_to(step.offset);
      if (*more) return anomaly(step, "zeros where a frame should be");
    }
  }
  if (!*later) return Progress::kNothing;
  leave_segment();
  return Progress::kAgain;
}

// A file that was released and is being written anew looks damaged too: only what still has its name is.
Result<Cursor::Progress> Cursor::anomaly(const FrameStep& step, const char* what) {
  const auto names = list_segments(disk_, directory_);
  if (!names) return tl::unexpected(names.error());
  if (!std::binary_search(names->begin(), names->end(), segment_)) {
    leave_segment();
    return Progress::kAgain;
  }
  damage_ = Damage{to_string(segment_), step.offset, segment_.epoch, expected_.value_or(Sequence{0}), what};
  return fail(ErrorCode::kCorrupt, what);
}

Result<void> Cursor::skip_damage() {
  if (!damage_) return {};
  const std::uint64_t offset = damage_->offset;
  const std::uint64_t limit = limit_of_segment();
  // A valid frame out of sequence is where to go on; else the next one.
  const auto here = reader_->next(limit);
  if (!here) return tl::unexpected(here.error());
  reader_->move_to(offset);
  if (here->state != FrameState::kBlock || here->view.head.epoch != segment_.epoch) {
    const auto found = reader_->resynchronise(limit);
    if (!found) return tl::unexpected(found.error());
    if (!*found && limit_ && limit != FrameReader::kNoLimit) reader_->move_to(limit);
    if (!*found && (!limit_ || limit == FrameReader::kNoLimit)) leave_segment();
  }
  expected_.reset();
  damage_.reset();
  return {};
}

void Cursor::leave_segment() noexcept {
  reader_.reset();
  file_.reset();
}

Result<std::optional<SegmentName>> Cursor::following() const {
  const auto names = list_segments(disk_, directory_);
  if (!names) return tl::unexpected(names.error());
  auto at = std::upper_bound(names->begin(), names->end(), segment_);
  if (segment_ == SegmentName{}) {
    at = std::upper_bound(names->begin(), names->end(), SegmentName{start_.epoch, start_.sequence});
    if (at != names->begin()) --at;
  }
  if (at == names->end()) return std::optional<SegmentName>();
  return std::optional(*at);
}

Result<bool> Cursor::open_following() {
  if (limit_ && limit_->get().segment <= segment_) return false;
  const auto name = following();
  if (!name) return tl::unexpected(name.error());
  if (!*name || (limit_ && limit_->get().segment < **name)) return false;
  auto file = disk_.open(path_of(directory_, **name), OpenMode::kRead);
  if (!file) {
    // Released between the listing and now: the next call takes what follows it.
    if (file.error().code == ErrorCode::kNotFound) {
      segment_ = **name;
      return open_following();
    }
    return tl::unexpected(file.error());
  }
  segment_ = **name;
  file_ = std::move(*file);
  reader_.emplace(*file_);
  expected_ = segment_.first;
  sealed_ = false;
  return true;
}

std::uint64_t Cursor::limit_of_segment() const {
  if (!limit_) return FrameReader::kNoLimit;
  const DurablePosition position = limit_->get();
  if (segment_ < position.segment) return FrameReader::kNoLimit;
  return segment_ == position.segment ? position.offset : 0;
}

}  // namespace fluxrig::wal
