// A bounded ring of variable-size records between one producer and one consumer thread. Positions count bytes
// for ever, so a position also names a record: the pump tells "durable up to this position". Reserve, write,
// commit; peek, read, release. No lock, no allocation, no system call.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "base/bytes.hpp"

namespace fluxrig::tap {

// A count of bytes that have passed through the ring.
struct RingPosition {
  std::uint64_t value = 0;
  friend auto operator<=>(RingPosition, RingPosition) = default;
};

class Ring {
 public:
  static constexpr std::size_t kDefaultBytes = 256U << 10;

  // `bytes` is a power of two, at least 4096. All pages are touched here, so that the hot path never faults.
  explicit Ring(std::size_t bytes = kDefaultBytes);

  // Producer. Room for `size` bytes, contiguous and 8-byte aligned, or null when the ring is too full.
  [[nodiscard]] std::uint8_t* reserve(std::size_t size) noexcept {
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
  // Producer. Publishes the last reserved record; returns the position that is past it.
  RingPosition commit() noexcept {
    written_ = reserved_;
    write_.store(written_, std::memory_order_release);
    return {written_};
  }
  // Producer. Bytes between what was committed and what the producer last knew as released: an upper bound.
  [[nodiscard]] bool more_than_half_full() const noexcept { return written_ - known_read_ > capacity_ / 2; }

  // Consumer. The oldest record that was committed and not released; empty when there is none.
  [[nodiscard]] ByteView peek() noexcept;
  // Consumer. Gives the room of the record that `peek` returned back; returns the position past it.
  RingPosition release() noexcept;
  // Consumer. True when nothing is committed that was not released.
  [[nodiscard]] bool empty() const noexcept {
    return write_.load(std::memory_order_acquire) == read_.load(std::memory_order_relaxed);
  }

  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

 private:
  // Before each record: its size, or kPadding when the record did not fit before the end of the buffer.
  static constexpr std::uint64_t kPadding = UINT64_MAX;
  static constexpr std::size_t kHeaderBytes = sizeof(std::uint64_t);

  [[nodiscard]] static std::size_t footprint(std::size_t size) noexcept {
    return kHeaderBytes + ((size + 7) & ~std::size_t{7});
  }

  std::size_t capacity_;
  std::unique_ptr<std::uint8_t[]> bytes_;

  // Producer's line. `write_` (release) pairs with the consumer's acquire in peek and empty.
  alignas(64) std::atomic<std::uint64_t> write_{0};
  std::uint64_t written_ = 0;     // equals write_
  std::uint64_t reserved_ = 0;    // end of the reservation
  std::uint64_t known_read_ = 0;  // last seen read_
  // Consumer's line. `read_` (release) pairs with the producer's acquire in reserve.
  alignas(64) std::atomic<std::uint64_t> read_{0};
  std::uint64_t known_write_ = 0;
  std::uint64_t peeked_ = 0;  // end of the record that peek returned
};

}  // namespace fluxrig::tap
