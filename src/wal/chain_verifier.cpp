#include "wal/chain_verifier.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fluxrig::wal {

std::string_view to_string(FaultKind kind) noexcept {
  constexpr std::string_view kNames[] = {"gap",        "fork",          "rollback",
                                         "alteration", "bad signature", "key changed"};
  return kNames[static_cast<std::size_t>(kind)];
}

ChainVerifier::ChainVerifier(Options options) : options_(std::move(options)) { report_.keys = options_.keys; }

void ChainVerifier::fault(FaultKind kind, Epoch epoch, Sequence sequence, std::string what) {
  ++report_.fault_count;
  if (options_.where) what += fmt::format(", {}", options_.where());
  if (report_.faults.size() < ChainReport::kMaxListed)
    report_.faults.push_back({kind, epoch, sequence, std::move(what)});
}

// Kept until the end: a later loss block may declare it.
void ChainVerifier::hole(FaultKind kind, LossBody::Range range, std::string what) {
  if (range.first <= range.last && forgiven_.covers(range.epoch, {range.first, range.last})) return;
  if (holes_.size() >= ChainReport::kMaxListed) return fault(kind, range.epoch, range.first, std::move(what));
  if (options_.where) what += fmt::format(", {}", options_.where());
  holes_.push_back({{kind, range.epoch, range.first, std::move(what)}, range.first.value, range.last.value});
}

void ChainVerifier::add_unreadable(Epoch epoch, Sequence expected, std::string what) {
  broken_ = true;
  if (unreadable_) return;  // one hole until the next block
  const Sequence first =
      begun_ && epoch == epoch_ ? next_ : Sequence{std::max<std::uint64_t>(expected.value, 1)};
  if (options_.where) what += fmt::format(", {}", options_.where());
  unreadable_ = Hole{{FaultKind::kAlteration, epoch, first, std::move(what)}, first.value, first.value - 1};
}

// `next`: of the block behind the unreadable place; it says how much stood there.
void ChainVerifier::close_unreadable(Sequence next) {
  if (!unreadable_) return;
  Hole found = *std::move(unreadable_);
  unreadable_.reset();
  found.last = std::max(found.first, next.value) - 1;
  if (found.first <= found.last &&
      forgiven_.covers(found.fault.epoch, {Sequence{found.first}, Sequence{found.last}}))
    return;
  if (holes_.size() < ChainReport::kMaxListed) {
    holes_.push_back(std::move(found));
  } else {
    ++report_.fault_count;
  }
}

void ChainVerifier::add(ByteView bytes) {
  const auto view = model::decode_block(bytes);
  if (!view)
    return add_unreadable(epoch_, next_, fmt::format("a block that is none: {}", view.error().detail));
  const model::BlockHead& head = view->head;
  const model::Hash hash = model::hash_block(bytes);
  if (!begun_) {
    machine_ = report_.machine_id = head.machine_id;
    lane_ = head.lane;
  } else if (head.machine_id != machine_ || head.lane != lane_) {
    return fault(FaultKind::kAlteration, epoch_, next_, "a block of another machine or lane");
  } else if (head.epoch < epoch_) {
    return fault(FaultKind::kAlteration, head.epoch, head.first,
                 "a block of an older epoch out of its place");
  }
  if (!begun_ || head.epoch > epoch_) {
    begin_epoch(*view);
  } else if (!follow(head, hash)) {
    return;
  }
  take(*view, hash);
}

void ChainVerifier::finish_epoch() {
  report_.unsigned_records += std::exchange(unsigned_, 0);
  declared_.clear();
  statement_.reset();
  hashes_.clear();
  hash_at_ = 0;
}

void ChainVerifier::begin_epoch(const model::BlockView& view) {
  const model::BlockHead& head = view.head;
  const bool first_ever = !begun_;
  begun_ = true;
  // Bad bytes at the start of this epoch's first segment are this epoch's.
  if (unreadable_ && unreadable_->fault.epoch == head.epoch) close_unreadable(head.first);
  const bool begins =
      head.kind == model::BlockKind::kHeader && head.first.value == 1 && head.previous == model::Hash{};
  if (begins) {
    check_link(view, first_ever);
  } else {
    close_unreadable(next_);
    begin_inside(head, first_ever);
  }
  finish_epoch();
  if (begins) statement_ = model::Hash{};
  ++report_.epochs;
  report_.signed_to = {};
  epoch_ = head.epoch;
  broken_ = false;
  remember(head.previous);
}

void ChainVerifier::begin_inside(const model::BlockHead& head, bool first_ever) {
  if (first_ever && options_.may_begin_late) return;
  for (const auto& known : holes_)
    if (known.fault.epoch == head.epoch && known.last + 1 == head.first.value) return;  // already said
  if (head.first.value > 1)
    hole(FaultKind::kGap, {head.epoch, Sequence{1}, Sequence{head.first.value - 1}},
         "the first records of the epoch are missing");
  else
    fault(FaultKind::kGap, head.epoch, Sequence{1}, "the first block of the epoch is missing");
}

void ChainVerifier::check_link(const model::BlockView& view, bool first_ever) {
  const Epoch epoch = view.head.epoch;
  const auto body = decode_header_body(view.body);
  if (!body) return;  // take_header() says so
  const auto& link = body->link;
  if (first_ever) {
    if (link && link->end.value > 1 && !options_.may_begin_late)
      hole(FaultKind::kGap, {link->epoch, Sequence{1}, Sequence{link->end.value - 1}},
           "an earlier epoch is missing");
    return;
  }
  if (!link) {
    fault(FaultKind::kRollback, epoch, Sequence{1},
          fmt::format("the epoch names none before it, but epoch {} is known", epoch_.value));
  } else if (link->epoch < epoch_) {
    fault(FaultKind::kRollback, epoch, Sequence{1},
          fmt::format("the epoch names {} as the one before it, but epoch {} is known", link->epoch.value,
                      epoch_.value));
  } else if (link->epoch == epoch_) {
    check_end(*link);
  } else if (link->end.value > 1) {
    hole(FaultKind::kGap, {link->epoch, Sequence{1}, Sequence{link->end.value - 1}}, "an epoch is missing");
  }
  close_unreadable(next_);
}

void ChainVerifier::check_end(const EpochLink& link) {
  if (unreadable_) return close_unreadable(link.end);
  if (link.end > next_) {
    hole(FaultKind::kGap, {epoch_, next_, Sequence{link.end.value - 1}},
         "the end of the epoch is missing: the next epoch names a later one");
  } else if (link.end < next_ || (link.head != head_ && remembered(link.head))) {
    fault(FaultKind::kRollback, epoch_, link.end,
          "the next epoch names an earlier end than the one that is known");
  } else if (link.head != head_ && !broken_) {
    fault(FaultKind::kAlteration, epoch_, last_first_,
          "the epoch does not end with the block that the next epoch names");
  }
}

// False: the block is not part of the chain that is being followed.
bool ChainVerifier::follow(const model::BlockHead& head, const model::Hash& hash) {
  if (unreadable_ || broken_) {
    statement_.reset();
    const bool unreadable = unreadable_.has_value();
    close_unreadable(head.first);
    broken_ = false;
    if (head.first < next_) {
      fault(FaultKind::kFork, epoch_, head.first, "a sequence that already has a record");
      return false;
    }
    if (head.first > next_ && !unreadable)
      hole(FaultKind::kGap, {epoch_, next_, Sequence{head.first.value - 1}}, "records are missing");
    return true;
  }
  if (head.previous != head_) return follow_elsewhere(head, hash);
  if (head.first > next_)
    hole(FaultKind::kGap, {epoch_, next_, Sequence{head.first.value - 1}}, "sequences were never given");
  if (head.first < next_) fault(FaultKind::kFork, epoch_, head.first, "sequences were given twice");
  return true;
}

bool ChainVerifier::follow_elsewhere(const model::BlockHead& head, const model::Hash& hash) {
  if (remembered(hash)) {
    fault(FaultKind::kAlteration, epoch_, head.first, "a block stands twice");
    return false;
  }
  if (remembered(head.previous) || head.first < next_) {
    remember(hash);
    fault(FaultKind::kFork, epoch_, head.first, "two contents for one place in the chain");
    return false;
  }
  statement_.reset();
  if (head.first > next_) {
    hole(FaultKind::kGap, {epoch_, next_, Sequence{head.first.value - 1}}, "records are missing");
  } else {
    // An empty hole, that a loss block may declare; what is in doubt begins with the block before it.
    hole(FaultKind::kAlteration, {epoch_, next_, Sequence{next_.value - 1}},
         "the hash does not match: a block was altered, or one without records is missing");
    if (!holes_.empty() && holes_.back().first == next_.value) holes_.back().fault.sequence = last_first_;
  }
  return true;
}

void ChainVerifier::take(const model::BlockView& view, const model::Hash& hash) {
  const model::BlockHead& head = view.head;
  ++report_.blocks;
  report_.records += head.count;
  unsigned_ += head.count;
  last_first_ = head.first;
  next_ = {head.first.value + head.count};
  head_ = hash;
  remember(hash);
  report_.last_epoch = epoch_;
  report_.next = next_;
  switch (head.kind) {
    case model::BlockKind::kHeader:
      return take_header(view);
    case model::BlockKind::kCheckpoint:
      return take_checkpoint(view);
    case model::BlockKind::kLoss:
      return take_loss(view);
    default:
      return;
  }
}

void ChainVerifier::finish_holes() {
  for (auto& left : holes_) {
    ++report_.fault_count;
    if (report_.faults.size() < ChainReport::kMaxListed) report_.faults.push_back(std::move(left.fault));
  }
  holes_.clear();
}

ChainReport ChainVerifier::finish() {
  close_unreadable(next_);
  finish_epoch();
  finish_holes();
  std::stable_sort(report_.faults.begin(), report_.faults.end(), [](const auto& a, const auto& b) {
    return std::pair(a.epoch, a.sequence) < std::pair(b.epoch, b.sequence);
  });
  return std::move(report_);
}

void ChainVerifier::forgive(Epoch epoch, Sequence first, Sequence last) {
  // More separate ranges than fit are gaps: the safe side.
  (void)forgiven_.add(epoch, {first, last});
}

void ChainVerifier::forgive(const Receipts& receipts) {
  for (const Epoch epoch : receipts.epochs())
    for (const auto& range : receipts.ranges(epoch)) forgive(epoch, range.first, range.last);
}

void ChainVerifier::remember(const model::Hash& hash) {
  if (hashes_.size() < kRemembered) {
    hashes_.push_back(hash);
    return;
  }
  hashes_[hash_at_] = hash;
  hash_at_ = (hash_at_ + 1) % kRemembered;
}

bool ChainVerifier::remembered(const model::Hash& hash) const noexcept {
  return std::find(hashes_.begin(), hashes_.end(), hash) != hashes_.end();
}

}  // namespace fluxrig::wal
