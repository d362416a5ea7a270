#include "wal/frame_reader.hpp"

#include <algorithm>

#include "wal/frame.hpp"

namespace fluxrig::wal {
namespace {

constexpr std::size_t kWindowBytes = 64U << 10;

FrameStep damaged(std::uint64_t offset, const char* what) {
  FrameStep step;
  step.state = FrameState::kDamaged;
  step.offset = offset;
  step.what = what;
  return step;
}

FrameStep unwritten(std::uint64_t offset) {
  FrameStep step;
  step.offset = offset;
  return step;
}

}  // namespace

// Fewer bytes than asked for only where the file or the limit ends.
Result<ByteView> FrameReader::view(std::uint64_t offset, std::size_t bytes, std::uint64_t limit) {
  if (offset >= limit) return ByteView{};
  bytes = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, limit - offset));
  const std::uint64_t window_end = window_offset_ + window_.size();
  if (offset < window_offset_ || offset + bytes > window_end) {
    const std::uint64_t wanted = std::max<std::uint64_t>(bytes, kWindowBytes);
    // A window that grew for one large block is given back.
    if (wanted == kWindowBytes && window_.capacity() > 4 * kWindowBytes) Bytes().swap(window_);
    window_.resize(static_cast<std::size_t>(std::min(wanted, limit - offset)));
    window_offset_ = offset;
    const auto count = file_.read_at(offset, window_);
    window_.resize(count ? *count : 0);
    if (!count) return tl::unexpected(count.error());
  }
  const std::size_t start = static_cast<std::size_t>(offset - window_offset_);
  return ByteView(window_).subspan(start, std::min(bytes, window_.size() - start));
}

Result<FrameStep> FrameReader::examine(std::uint64_t offset, std::uint64_t limit) {
  auto bytes = view(offset, kMaxFrameHeadBytes, limit);
  if (!bytes) return tl::unexpected(bytes.error());
  if (bytes->empty() || bytes->front() == 0) return unwritten(offset);
  const auto head = decode_frame_head(*bytes);
  if (!head) return damaged(offset, head.error().detail);
  bytes = view(offset, head->frame_bytes(), limit);
  if (!bytes) return tl::unexpected(bytes.error());
  const auto frame = decode_frame(*bytes);
  if (!frame) return damaged(offset, frame.error().detail);
  auto block = model::decode_block(frame->block);
  if (!block) return damaged(offset, "the frame holds no valid block");
  FrameStep step;
  step.state = FrameState::kBlock;
  step.offset = offset;
  step.frame_bytes = frame->frame_bytes;
  step.block = frame->block;
  step.view = *block;
  return step;
}

Result<FrameStep> FrameReader::next(std::uint64_t limit) {
  auto step = examine(offset_, limit);
  if (step && step->state == FrameState::kBlock) offset_ += step->frame_bytes;
  return step;
}

Result<bool> FrameReader::resynchronise(std::uint64_t limit) {
  std::uint64_t spent = 0;
  std::uint64_t at = offset_ + 1;
  while (spent < kResynchroniseBytes) {
    const auto bytes = view(at, kMaxFrameHeadBytes, limit);
    if (!bytes) return tl::unexpected(bytes.error());
    if (bytes->size() < kMaxFrameHeadBytes) return false;  // no block fits in the rest
    const auto head = decode_frame_head(*bytes);
    if (!head || head->block_bytes == 0) {
      // Straight to the next byte in the window that may begin a frame.
      const std::size_t start = static_cast<std::size_t>(at - window_offset_) + 1;
      const auto found =
          std::find(window_.begin() + static_cast<std::ptrdiff_t>(start), window_.end(), std::uint8_t{0x82});
      at = window_offset_ + static_cast<std::uint64_t>(found - window_.begin());
      continue;
    }
    spent += head->frame_bytes();
    const auto step = examine(at, limit);
    if (!step) return tl::unexpected(step.error());
    if (step->state == FrameState::kBlock) {
      offset_ = at;
      return true;
    }
    ++at;
  }
  return false;
}

Result<std::uint64_t> FrameReader::end_of_content(std::uint64_t from) {
  std::uint64_t end = from;
  std::uint64_t at = from;
  for (;;) {
    const auto bytes = view(at, kWindowBytes, kNoLimit);
    if (!bytes) return tl::unexpected(bytes.error());
    if (bytes->empty()) return end;
    const auto last =
        std::find_if(bytes->rbegin(), bytes->rend(), [](std::uint8_t byte) { return byte != 0; });
    if (last != bytes->rend()) end = at + static_cast<std::uint64_t>(bytes->rend() - last);
    at += bytes->size();
  }
}

}  // namespace fluxrig::wal
