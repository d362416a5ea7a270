#include "lane/spool_drain.hpp"

#include <algorithm>

namespace fluxrig::lane {

Result<std::optional<Spool::Item>> SpoolDrain::next(MonotonicNanos now) {
  if (broken_) {
    if (in_flight_ > 0) return std::optional<Spool::Item>();
    spool_.rewind();
    broken_ = false;
  }
  if (now < resume_at_ || in_flight_ >= window_) return std::optional<Spool::Item>();
  auto item = spool_.next();
  if (item && *item) ++in_flight_;
  return item;
}

void SpoolDrain::stored(Spool::Position position) {
  --in_flight_;
  spool_.acknowledge(position);
  if (spool_.waiting() == 0) narrow_ = false;
  if (broken_) return;  // of a round that failed already
  trouble_.reset();
  pause_ = options_.first_pause_nanos;
  if (!narrow_) window_ = std::min(window_ * 2, options_.window);
}

void SpoolDrain::failed(Error error, MonotonicNanos now) {
  --in_flight_;
  window_ = 1;
  if (error.code == ErrorCode::kFull) narrow_ = true;
  if (broken_) return;
  broken_ = true;
  trouble_ = error;
  // Racks that lost one server together do not come back together.
  const auto jitter = static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(pause_) / 2 + 1));
  resume_at_ = {now.value + pause_ + jitter};
  pause_ = std::min(pause_ * 2, options_.longest_pause_nanos);
}

}  // namespace fluxrig::lane
