#include "tap/ring.hpp"

#include <cstring>

#include "base/assert.hpp"

namespace fluxrig::tap {

Ring::Ring(std::size_t bytes) : capacity_(bytes), bytes_(new std::uint8_t[bytes]) {
  FR_ASSERT(bytes >= 4096 && (bytes & (bytes - 1)) == 0);
  std::memset(bytes_.get(), 0, bytes);
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
