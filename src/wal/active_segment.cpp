#include "wal/active_segment.hpp"

#include <algorithm>

#include "wal/frame.hpp"

namespace fluxrig::wal {
namespace {
constexpr std::size_t kZeroPieceBytes = 64U << 10;
constexpr std::size_t kKeptBufferBytes = 1U << 20;
constexpr std::uint8_t kZeros[kZeroPieceBytes] = {};
}  // namespace

Result<void> write_zeros(File& file, std::uint64_t from, std::uint64_t end) {
  while (from < end) {
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(end - from, kZeroPieceBytes));
    if (const auto written = file.write_at(from, {kZeros, piece}); !written) return written;
    from += piece;
  }
  return {};
}

Result<void> ActiveSegment::append(ByteView block) {
  const std::size_t start = unsynced_.size();
  encode_frame(block, unsynced_);
  const std::size_t frame_bytes = unsynced_.size() - start;
  const std::uint64_t frame_end = tail_ + frame_bytes;
  // What a failed, longer frame left behind is cleared by the same call.
  if (soiled_end_ > frame_end)
    unsynced_.resize(unsynced_.size() + static_cast<std::size_t>(soiled_end_ - frame_end));
  const ByteView out = ByteView(unsynced_).subspan(start);
  const auto written = file_->write_at(tail_, out);
  if (!written) {
    soiled_end_ = std::max(soiled_end_, tail_ + out.size());
    unsynced_.resize(start);
    return written;
  }
  unsynced_.resize(start + frame_bytes);
  soiled_end_ = 0;
  tail_ = frame_end;
  return {};
}

Result<void> ActiveSegment::sync() {
  if (rewrite_) {
    if (const auto written = file_->write_at(synced_tail_, unsynced_); !written) return written;
  }
  if (const auto synced = file_->sync(); !synced) {
    rewrite_ = true;
    return synced;
  }
  rewrite_ = false;
  synced_tail_ = tail_;
  unsynced_.clear();
  if (unsynced_.capacity() > kKeptBufferBytes) Bytes().swap(unsynced_);
  return {};
}

Result<void> ActiveSegment::allocate(std::uint64_t end) {
  const std::uint64_t from = std::max(allocated_, tail_);
  if (end <= from) return {};
  if (const auto written = write_zeros(*file_, from, end); !written) return written;
  allocated_ = end;
  return {};
}

Result<void> ActiveSegment::clear_soiled() {
  const auto size = file_->size();
  if (!size) return tl::unexpected(size.error());
  // Only what is there: zeros beyond the end would need the room that is missing.
  const std::uint64_t end = std::min(soiled_end_, *size);
  if (end <= tail_) return {};
  if (const auto written = write_zeros(*file_, tail_, end); !written) return written;
  soiled_end_ = 0;
  return {};
}

void ActiveSegment::overwrite_tail(std::uint64_t bytes) noexcept {
  soiled_end_ = std::max(soiled_end_, tail_ + bytes);
}

Result<void> ActiveSegment::clear_tail(std::uint64_t bytes) {
  // Until it is good, clear_soiled() has them to clear.
  overwrite_tail(bytes);
  auto written = write_zeros(*file_, tail_, tail_ + bytes);
  if (written) soiled_end_ = 0;
  return written;
}

}  // namespace fluxrig::wal
