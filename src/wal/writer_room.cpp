// Where the writer's bytes find room: zeros ahead of the tail, the limits of the lane and of the disk, the
// segment after this one.
#include <algorithm>

#include "wal/writer.hpp"

namespace fluxrig::wal {
namespace {
constexpr std::uint64_t kFirstStepBytes = 64U << 10;
// What is beyond the lane's limit, and the piece of it that one segment takes: a header, some losses, a
// checkpoint, the seal. A start that dies before it has declared what is damaged leaves such a segment
// behind; sixteen may, one after the other, before a lane at its limit cannot declare anything any more.
constexpr std::uint64_t kBeyondLimitBytes = 64U << 10;
constexpr std::uint64_t kControlStepBytes = 4U << 10;
// A quarter of a segment in less time is a load that is worth a segment ahead.
constexpr std::int64_t kFastFill = 2 * kNanosPerSecond;
}  // namespace

std::uint64_t Writer::first_step(Room room) const noexcept {
  return room == Room::kControl ? kControlStepBytes : std::min(kFirstStepBytes, setup_.options.segment_bytes);
}

Result<void> Writer::room_for_segment(Room room) {
  if (spares_.ready()) return {};
  return check_room(first_step(room), room);
}

// A full lane that cannot declare what of it is damaged would never be given its receipts, and stay full.
std::uint64_t Writer::limit(Room room) const noexcept {
  return setup_.options.directory_bytes + (room == Room::kControl ? kBeyondLimitBytes : 0);
}

// The first steps are small, so that a quiet lane takes little of the disk.
std::uint64_t Writer::next_step() const noexcept {
  const std::uint64_t allocated = active_->allocated();
  const std::uint64_t step = std::clamp(allocated, kFirstStepBytes, setup_.options.zero_step_bytes);
  return std::min(allocated + step, std::max(setup_.options.segment_bytes, allocated));
}

Result<void> Writer::ensure_allocated(std::uint64_t needed, Room room) {
  if (needed <= active_->allocated()) return {};
  const auto grow = [&](std::uint64_t end) -> Result<void> {
    if (const auto enough = check_room(end - active_->allocated(), room); !enough) return enough;
    auto grown = active_->allocate(end);
    // Others were faster than the free space that was seen.
    if (!grown && grown.error().code == ErrorCode::kFull && reserve_.give_up())
      grown = active_->allocate(end);
    return grown;
  };
  const std::uint64_t roomy =
      std::max(needed, room == Room::kControl ? active_->allocated() + kControlStepBytes : next_step());
  const auto grown = grow(roomy);
  if (grown || roomy == needed) return grown;
  return grow(needed);  // the last bytes of a disk that is nearly full
}

Result<void> Writer::check_room(std::uint64_t more, Room room) {
  const auto& options = setup_.options;
  // Bounded: each round gives up something, or is the last.
  for (;;) {
    const bool in_limit = used_bytes() + more <= limit(room);
    const auto free = setup_.disk.free_bytes(setup_.directory);
    const bool in_reserve = !free || *free >= options.free_reserve_bytes + more;
    if (in_limit && (in_reserve || credit_ >= more)) {
      if (!in_reserve) credit_ -= more;
      return {};
    }
    if (spares_.size() > 0) {
      spares_.drop_all();
    } else if (in_limit && reserve_.give_up()) {
      credit_ += Reserve::kStepBytes;
    } else {
      return in_limit ? fail(ErrorCode::kFull, "the disk's free space is at its reserve")
                      : fail(ErrorCode::kFull, "the lane's disk limit is reached");
    }
  }
}

// A segment that fills fast would be zeroed while replies wait. Of room that is plenty only: nothing is given
// up for a spare.
bool Writer::wants_spare() const {
  if (!spares_.works_beside() || spares_.size() != 0) return false;
  const auto& options = setup_.options;
  if (active_->tail() < options.segment_bytes / 4) return false;
  if (setup_.clock.monotonic().value - opened_at_.value > kFastFill) return false;
  const auto free = setup_.disk.free_bytes(setup_.directory);
  return used_bytes() + 2 * options.segment_bytes <= options.directory_bytes && free &&
         *free >= options.free_reserve_bytes + 2 * options.segment_bytes;
}

std::uint64_t Writer::used_bytes() const noexcept {
  std::uint64_t sum = spares_.bytes() + (active_ ? active_->file_bytes() : 0);
  for (const auto& segment : closed_) sum += segment.file_bytes;
  return sum;
}

}  // namespace fluxrig::wal
