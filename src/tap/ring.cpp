#include "tap/ring.hpp"

#include <cstring>

#include "base/assert.hpp"

namespace fluxrig::tap {

Ring::Ring(std::size_t bytes) : capacity_(bytes), bytes_(new std::uint8_t[bytes]) {
  FR_ASSERT(bytes >= 4096 && (bytes & (bytes - 1)) == 0);
  std::memset(bytes_.get(), 0, bytes);
}

std::uint8_t* Ring::reserve(std::size_t size) noexcept {
  const std::size_t needed = footprint(size);
  if (needed > capacity_ / 2) return nullptr;
  const std::size_t offset = written_ & (capacity_ - 1);
  const std::size_t to_end = capacity_ - offset;
  // A record never wraps: what is left before the end is padding.
  const std::size_t skipped = needed > to_end ? to_end : 0;
  const std::uint64_t end = written_ + skipped + needed;
  if (end - known_read_ > capacity_) {
    known_read_ = read_.load(std::memory_order_acquire);
    if (end - known_read_ > capacity_) return nullptr;
  }
  if (skipped != 0) std::memcpy(bytes_.get() + offset, &kPadding, kHeaderBytes);
  std::uint8_t* header = bytes_.get() + ((written_ + skipped) & (capacity_ - 1));
  const std::uint64_t stored = size;
  std::memcpy(header, &stored, kHeaderBytes);
  reserved_ = end;
  return header + kHeaderBytes;
}

RingPosition Ring::commit() noexcept {
  written_ = reserved_;
  write_.store(written_, std::memory_order_release);
  return {written_};
}

ByteView Ring::peek() noexcept {
  std::uint64_t read = read_.load(std::memory_order_relaxed);
  if (read == known_write_) {
    known_write_ = write_.load(std::memory_order_acquire);
    if (read == known_write_) return {};
  }
  std::uint64_t size = 0;
  std::memcpy(&size, bytes_.get() + (read & (capacity_ - 1)), kHeaderBytes);
  if (size == kPadding) {
    read += capacity_ - (read & (capacity_ - 1));
    std::memcpy(&size, bytes_.get() + (read & (capacity_ - 1)), kHeaderBytes);
  }
  peeked_ = read + footprint(size);
  return {bytes_.get() + (read & (capacity_ - 1)) + kHeaderBytes, size};
}

RingPosition Ring::release() noexcept {
  read_.store(peeked_, std::memory_order_release);
  return {peeked_};
}

}  // namespace fluxrig::tap
