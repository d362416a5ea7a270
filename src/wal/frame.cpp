#include "wal/frame.hpp"

#include "base/crc32c.hpp"
#include "cbor/encoder.hpp"

namespace fluxrig::wal {
namespace {

constexpr std::uint8_t kArrayOfTwo = 0x82;
constexpr std::uint8_t kFixed32 = 0x1a;
constexpr std::size_t kLengthOffset = 6;

struct Length {
  std::size_t head_bytes;
  std::uint64_t value;
};

// A byte string's head in its shortest form.
Result<Length> decode_length(ByteView input) noexcept {
  const auto invalid = fail(ErrorCode::kInvalid, "no byte string in the frame");
  const std::uint8_t initial = input[0];
  if ((initial >> 5) != 2) return invalid;
  const std::uint8_t info = initial & 0x1f;
  if (info < 24) return Length{1, info};
  if (info > 26) return invalid;
  const std::size_t width = std::size_t{1} << (info - 24);
  if (input.size() < 1 + width) return fail(ErrorCode::kTruncated, "the frame ends early");
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value = (value << 8) | input[1 + i];
  const std::uint64_t least = info == 24 ? 24 : info == 25 ? 0x100 : 0x10000;
  if (value < least) return invalid;
  return Length{1 + width, value};
}

}  // namespace

void encode_frame(ByteView block, Bytes& out) {
  cbor::Encoder encoder(out);
  encoder.array(2);
  encoder.fixed32(crc32c(block));
  encoder.bytes(block);
}

Result<FrameHead> decode_frame_head(ByteView input) noexcept {
  if (input.empty()) return fail(ErrorCode::kTruncated, "the frame ends early");
  if (input[0] != kArrayOfTwo) return fail(ErrorCode::kInvalid, "no frame starts here");
  if (input.size() < 2) return fail(ErrorCode::kTruncated, "the frame ends early");
  if (input[1] != kFixed32) return fail(ErrorCode::kInvalid, "no checksum in the frame");
  if (input.size() <= kLengthOffset) return fail(ErrorCode::kTruncated, "the frame ends early");
  const auto length = decode_length(input.subspan(kLengthOffset));
  if (!length) return tl::unexpected(length.error());
  if (length->value > model::kMaxBlockBytes) return fail(ErrorCode::kOversize, "the block is over the limit");
  return FrameHead{load_be32(input.data() + 2), kLengthOffset + length->head_bytes,
                   static_cast<std::size_t>(length->value)};
}

Result<Frame> decode_frame(ByteView input) noexcept {
  const auto head = decode_frame_head(input);
  if (!head) return tl::unexpected(head.error());
  if (input.size() < head->frame_bytes()) return fail(ErrorCode::kTruncated, "the frame ends early");
  const ByteView block = input.subspan(head->head_bytes, head->block_bytes);
  if (crc32c(block) != head->checksum) return fail(ErrorCode::kCorrupt, "the checksum does not match");
  return Frame{block, head->frame_bytes()};
}

}  // namespace fluxrig::wal
