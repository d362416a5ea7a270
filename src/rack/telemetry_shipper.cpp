#include "rack/telemetry_shipper.hpp"

#include <algorithm>
#include <utility>

namespace fluxrig::rack {

const lane::TelemetryBlock* TelemetryShipper::next_live(bool flush, MonotonicNanos now) {
  if (pausing(now)) return nullptr;
  if (!live_ && !again_.empty()) {
    live_ = std::move(again_.front());
    again_.pop_front();
  }
  if (!live_)
    if (const auto batch = source_.queue.take(flush)) live_ = lane::make_block(*batch, source_.machine_id);
  return live_ ? &*live_ : nullptr;
}

const lane::TelemetryBlock* TelemetryShipper::next_backlog(MonotonicNanos now) {
  if (source_.backlog == nullptr || rewind_ || pausing(now) || now < read_again_at_) return nullptr;
  if (!item_) {
    auto next = source_.backlog->next();
    if (!next) read_again_at_ = {now.value + kReadAgainAfter};
    if (next && *next) item_ = std::move(**next);
  }
  return item_ ? &item_->block : nullptr;
}

TelemetryShipper::Sent TelemetryShipper::take_live() {
  ++live_in_flight_;
  return {*std::exchange(live_, std::nullopt), std::nullopt};
}

TelemetryShipper::Sent TelemetryShipper::take_backlog() {
  ++backlog_in_flight_;
  auto item = *std::exchange(item_, std::nullopt);
  return {std::move(item.block), item.position};
}

void TelemetryShipper::give_back(Sent sent) {
  if (sent.position) {
    --backlog_in_flight_;
    item_ = lane::TelemetryBacklog::Item{*sent.position, std::move(sent.block)};
  } else {
    --live_in_flight_;
    live_ = std::move(sent.block);
  }
}

void TelemetryShipper::settle(Sent sent, bool taken, MonotonicNanos now) {
  if (!taken) retry_at_ = {now.value + kRetryAfter};
  if (!sent.position) {
    --live_in_flight_;
    if (!taken) keep(std::move(sent.block), lane::Sent::kMaybe);
    return;
  }
  --backlog_in_flight_;
  if (taken)
    source_.backlog->acknowledge(*sent.position);
  else
    rewind_ = true;
}

void TelemetryShipper::keep(lane::TelemetryBlock block, lane::Sent sent) {
  if (source_.backlog != nullptr)
    (void)source_.backlog->append(block, sent);  // what it does not keep it counts
  else
    again_.push_back(std::move(block));
}

void TelemetryShipper::divert(bool flush) {
  if (source_.backlog == nullptr) return;
  if (live_) keep(*std::exchange(live_, std::nullopt), lane::Sent::kNever);
  while (const auto batch = source_.queue.take(flush))
    keep(lane::make_block(*batch, source_.machine_id), lane::Sent::kNever);
}

Result<std::uint64_t> TelemetryShipper::finish() {
  divert(/*flush=*/true);
  if (source_.backlog != nullptr) {
    if (const auto closed = source_.backlog->close(); !closed) return tl::unexpected(closed.error());
    return std::uint64_t{0};
  }
  std::uint64_t lost = live_ ? live_->count : 0;
  for (const auto& block : again_) lost += block.count;
  while (const auto batch = source_.queue.take(/*flush=*/true)) lost += batch->count;
  return lost;
}

bool TelemetryShipper::keep_house(lane::TelemetryBacklog::Need need, MonotonicNanos now) {
  if (source_.backlog == nullptr) return false;
  housekept_at_ = now;
  if (rewind_ && backlog_in_flight_ == 0) {
    rewind_ = false;
    item_.reset();
    source_.backlog->rewind();
  }
  return source_.backlog->keep_house(need);
}

std::optional<MonotonicNanos> TelemetryShipper::due() const {
  std::optional<MonotonicNanos> due = source_.queue.next_ready();
  const auto sooner = [&](MonotonicNanos one) { due = due ? std::min(*due, one) : one; };
  if (due && *due < retry_at_) due = retry_at_;
  if (!again_.empty()) sooner(retry_at_);
  if (source_.backlog != nullptr && !source_.backlog->empty())
    sooner({housekept_at_.value + lane::TelemetryBacklog::kSyncEvery});
  return due;
}

bool TelemetryShipper::settled() const {
  return !live_ && again_.empty() && live_in_flight_ == 0 && backlog_in_flight_ == 0 &&
         source_.queue.queued_bytes() == 0;
}

std::uint64_t TelemetryShipper::backlog_bytes() const {
  return source_.backlog == nullptr || source_.backlog->empty() ? 0 : source_.backlog->bytes();
}

}  // namespace fluxrig::rack
