// How far a lane is on disk: written by its Writer after each sync, read by cursors. Any thread.
#pragma once

#include <cstdint>
#include <mutex>

#include "wal/segment_name.hpp"

namespace fluxrig::wal {

struct DurablePosition {
  SegmentName segment;       // zeros: nothing yet
  std::uint64_t offset = 0;  // the bytes of that segment before it are on disk, as are all earlier segments
  friend bool operator==(const DurablePosition&, const DurablePosition&) = default;
};

class DurableLimit {
 public:
  [[nodiscard]] DurablePosition get() const {
    const std::lock_guard guard(mutex_);
    return position_;
  }
  void set(const DurablePosition& position) {
    const std::lock_guard guard(mutex_);
    position_ = position;
  }

 private:
  mutable std::mutex mutex_;
  DurablePosition position_;
};

}  // namespace fluxrig::wal
