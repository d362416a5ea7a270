// One frame of a segment: the CBOR array [crc32c, block], the first as a fixed 4-byte unsigned integer over
// the block's bytes, the second as a byte string. docs/formats/wal.md. Any thread; values only.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/block.hpp"

namespace fluxrig::wal {

// 0x82, 0x1a and 4 bytes of checksum, the byte string's head.
inline constexpr std::size_t kMaxFrameHeadBytes = 11;
inline constexpr std::size_t kMaxFrameBytes = kMaxFrameHeadBytes + model::kMaxBlockBytes;

struct FrameHead {
  std::uint32_t checksum = 0;
  std::size_t head_bytes = 0;
  std::size_t block_bytes = 0;
  [[nodiscard]] std::size_t frame_bytes() const noexcept { return head_bytes + block_bytes; }
};

void encode_frame(ByteView block, Bytes& out);

// Hostile bytes. kTruncated: more bytes may make it valid; kInvalid, kOversize: no frame starts here.
[[nodiscard]] Result<FrameHead> decode_frame_head(ByteView input) noexcept;

struct Frame {
  ByteView block;  // views the input
  std::size_t frame_bytes = 0;
};
// As decode_frame_head; kCorrupt when the checksum does not fit the block.
[[nodiscard]] Result<Frame> decode_frame(ByteView input) noexcept;

}  // namespace fluxrig::wal
