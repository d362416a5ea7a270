#include "rack/audit_shipper.hpp"

#include <algorithm>

namespace fluxrig::rack {

AuditShipper::AuditShipper(Source source, Stretch stretch) : source_(std::move(source)), stretch_(stretch) {
  move_to(stretch);
}

void AuditShipper::move_to(Stretch stretch, Round round) {
  stretch_ = stretch;
  go_back(round);
  measure();
}

void AuditShipper::go_back(Round round) {
  cursor_ = std::make_unique<wal::Cursor>(source_.disk, source_.directory, stretch_.from, &source_.durable);
  round_ = round;
  read_ = handed_ = {};
  segment_ = {};
  offset_ = 0;
  held_.reset();
  next_.reset();
  shipped_.clear();
  caught_up_ = past_end_ = false;
}

void AuditShipper::extend(Position end) {
  // The cursor has taken the first block beyond the old end.
  if (past_end_) {
    next_.reset();
    cursor_ = std::make_unique<wal::Cursor>(source_.disk, source_.directory, *stretch_.end, &source_.durable);
  }
  stretch_.end = end;
  caught_up_ = past_end_ = false;
  measure();
}

const AuditShipper::Message* AuditShipper::next(std::size_t bytes, MonotonicNanos now) {
  // The outcome of what is in flight would be lost in a new round, and after a refusal a pause is due.
  if (refused_ || now < retry_at_ || shipped_.size() >= kUnreceiptedWindow) return nullptr;
  if (!held_ && !collect(bytes)) return nullptr;
  return &*held_;
}

void AuditShipper::sent(MonotonicNanos now) {
  for (const auto& [epoch, range] : held_->ranges) shipped_.push_back({epoch, range, now});
  held_.reset();
  handed_ = read_;
  ++in_flight_;
}

void AuditShipper::acknowledged(bool taken) noexcept {
  --in_flight_;
  if (!taken) refused_ = true;
}

std::uint64_t AuditShipper::forget_receipted() {
  std::uint64_t records = 0;
  std::erase_if(shipped_, [&](const Shipped& one) {
    if (!source_.receipts.covers(one.epoch, one.range)) return false;
    records += one.range.last.value - one.range.first.value + 1;
    return true;
  });
  return records;
}

// While the link does not ask, in DIVERT or without a bus, a stretch without end grows unseen.
bool AuditShipper::settled() const {
  if (!caught_up_ || held_ || !shipped_.empty() || in_flight_ != 0) return false;
  return stretch_.end || source_.durable.get() == caught_up_at_;
}

bool AuditShipper::repair(MonotonicNanos now) {
  if (refused_ && in_flight_ == 0) {
    refused_ = false;
    retry_at_ = {now.value + kRetryAfter};
    go_back(round_);
    ++resends_;
  }
  if (shipped_.empty() || now.value - shipped_.front().at.value < kReceiptPatience) return false;
  go_back(round_);
  ++resends_;
  return true;
}

std::optional<MonotonicNanos> AuditShipper::due() const noexcept {
  std::optional<MonotonicNanos> due;
  if (!shipped_.empty()) due = MonotonicNanos{shipped_.front().at.value + kReceiptPatience};
  if (!caught_up_ && retry_at_.value != 0) due = due ? std::min(*due, retry_at_) : retry_at_;
  return due;
}

// Fills one message, with what is larger than `bytes` only if it is alone; false when the stretch has nothing
// new.
bool AuditShipper::collect(std::size_t bytes) {
  Message message;
  while (message.payload.size() < bytes && read_next()) {
    if (!message.payload.empty() && message.payload.size() + next_->bytes.size() > bytes) break;
    const auto& head = next_->view.head;
    read_ = {head.epoch, {head.first.value + head.count}};
    segment_ = next_->segment;
    offset_ = next_->offset + next_->bytes.size();
    add(*next_, message);
    next_.reset();
  }
  if (message.payload.empty()) return false;
  held_ = std::move(message);
  return true;
}

// False: the stretch has no further block for now.
bool AuditShipper::read_next() {
  while (!next_ && !past_end_) {
    const auto durable = source_.durable.get();  // before the cursor looks: it may see more, never less
    auto block = cursor_->next();
    if (!block) {
      if (!pass_damage()) return false;
      continue;
    }
    past_end_ = *block && beyond((*block)->view.head);
    caught_up_ = !*block || past_end_;
    if (caught_up_) {
      caught_up_at_ = durable;
      return false;
    }
    next_ = **block;
  }
  return next_.has_value();
}

// False: the disk said no for now.
bool AuditShipper::pass_damage() {
  if (!cursor_->damage()) return false;
  if (source_.on_damage) source_.on_damage(*cursor_->damage());
  return cursor_->skip_damage().has_value();
}

// The blocks without records at the end may stand in the segment before the one that a cursor from there on
// opens: they belong to both stretches.
bool AuditShipper::beyond(const model::BlockHead& head) const noexcept {
  if (!stretch_.end) return false;
  if (head.epoch != stretch_.end->epoch) return stretch_.end->epoch < head.epoch;
  if (stretch_.end->sequence.value == 1) return true;  // no segment of that epoch is before it
  return head.first.value + (head.count != 0 ? 1 : 0) > stretch_.end->sequence.value;
}

// Blocks without records have no receipts and always go.
bool AuditShipper::wanted(const model::BlockHead& head, const wal::SequenceRange& range) const {
  if (!source_.receipts.covers(head.epoch, range)) return true;
  const auto chain = source_.receipts.chain(head.epoch);
  return round_ == Round::kChain && chain && head.first >= chain->next;
}

void AuditShipper::add(const wal::StoredBlock& block, Message& message) const {
  const auto& head = block.view.head;
  if (head.count != 0) {
    const wal::SequenceRange range{head.first, {head.first.value + head.count - 1}};
    if (!wanted(head, range)) return;
    auto& ranges = message.ranges;
    // Neighbours become one range: there are thousands of small blocks a second.
    if (!ranges.empty() && ranges.back().first == head.epoch &&
        ranges.back().second.last.value + 1 == range.first.value) {
      ranges.back().second.last = range.last;
    } else {
      ranges.emplace_back(head.epoch, range);
    }
    message.records += head.count;
  }
  message.payload.insert(message.payload.end(), block.bytes.begin(), block.bytes.end());
}

void AuditShipper::measure() {
  sizes_.clear();
  measured_ = true;
  if (!stretch_.end) return;
  const auto names = wal::list_segments(source_.disk, source_.directory);
  measured_ = names.has_value();
  if (!names) return;
  const wal::DurablePosition durable = source_.durable.get();
  const wal::SegmentName end{stretch_.end->epoch, stretch_.end->sequence};
  for (const auto& name : *names) {
    if (name >= end) break;
    const auto file = source_.disk.open(path_of(source_.directory, name), wal::OpenMode::kRead);
    const auto size = file ? (*file)->size() : tl::unexpected(file.error());
    // While no segment could be made the limit stands in the last one of an earlier run, behind all bytes.
    if (size) sizes_[name] = name == durable.segment ? std::min(durable.offset, *size) : *size;
    if (!size && size.error().code != ErrorCode::kNotFound) measured_ = false;
  }
}

bool AuditShipper::passed(const Position& position) const noexcept {
  if (caught_up()) return true;
  return handed_.epoch == position.epoch ? handed_.sequence >= position.sequence
                                         : position.epoch < handed_.epoch;
}

std::uint64_t AuditShipper::bytes_left() const noexcept {
  if (!stretch_.end) return 0;
  std::uint64_t left = held_ ? held_->payload.size() : 0;
  if (caught_up_) return left;
  for (auto at = sizes_.lower_bound(segment_); at != sizes_.end(); ++at)
    left += at->first == segment_ ? at->second - std::min(at->second, offset_) : at->second;
  // What could not be measured is not nothing: a backlog without bytes is over, and no longer sent.
  return measured_ ? left : std::max<std::uint64_t>(left, 1);
}

}  // namespace fluxrig::rack
