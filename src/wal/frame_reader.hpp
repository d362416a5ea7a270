// Walks the frames of one segment file through a small window. Never trusts a byte: says where a frame is bad
// and can look for the next good one. One thread; the file outlives it.
#pragma once

#include <cstdint>
#include <optional>

#include "model/block.hpp"
#include "wal/disk.hpp"

namespace fluxrig::wal {

enum class FrameState : std::uint8_t {
  kBlock,      // a valid frame with a well-formed block
  kUnwritten,  // the end of the file, the limit, or a zero byte where a frame would start
  kDamaged,    // anything else
};

struct FrameStep {
  FrameState state = FrameState::kUnwritten;
  std::uint64_t offset = 0;
  std::uint64_t frame_bytes = 0;
  ByteView block;         // kBlock; valid until the next call
  model::BlockView view;  // kBlock; views `block`
  const char* what = "";  // kDamaged: a literal
};

class FrameReader {
 public:
  static constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};
  // What one resynchronise() checksums at most: hostile bytes can hold many false starts.
  static constexpr std::uint64_t kResynchroniseBytes = 64U << 20;

  explicit FrameReader(const File& file, std::uint64_t offset = 0) noexcept : file_(file), offset_(offset) {}

  // The frame at offset(); moves past it only when it is a block. Bytes at or after `limit` are not looked
  // at.
  [[nodiscard]] Result<FrameStep> next(std::uint64_t limit = kNoLimit);

  // Moves to the next valid frame after offset(); false when there is none before `limit` (or within the
  // bound above), and the offset is unchanged.
  [[nodiscard]] Result<bool> resynchronise(std::uint64_t limit = kNoLimit);

  // One more than the last byte at or after `from` that is not zero; `from` when all are.
  [[nodiscard]] Result<std::uint64_t> end_of_content(std::uint64_t from);

  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  void move_to(std::uint64_t offset) noexcept { offset_ = offset; }
  // Forgets bytes read ahead: the file may have changed.
  void forget() noexcept { window_.clear(); }

 private:
  [[nodiscard]] Result<ByteView> view(std::uint64_t offset, std::size_t bytes, std::uint64_t limit);
  [[nodiscard]] Result<FrameStep> examine(std::uint64_t offset, std::uint64_t limit);

  const File& file_;
  std::uint64_t offset_;
  Bytes window_;
  std::uint64_t window_offset_ = 0;
};

}  // namespace fluxrig::wal
