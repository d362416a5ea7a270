#include "lane/telemetry_backlog.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "wal/segment_name.hpp"

namespace fluxrig::lane {
namespace {

constexpr std::uint64_t kSegmentsInBacklog = 64;
constexpr std::uint64_t kLargestSegment = 4U << 20;
constexpr std::uint64_t kZeroStep = 256U << 10;

wal::WriterOptions options_of(const TelemetryBacklog::Setup& setup) {
  wal::WriterOptions options;
  options.directory_bytes = setup.bytes;
  options.segment_bytes =
      std::clamp(options.directory_bytes / kSegmentsInBacklog, setup.least_segment_bytes, kLargestSegment);
  options.free_reserve_bytes = setup.free_bytes;
  options.zero_step_bytes = kZeroStep;
  options.spare_segments = 0;
  options.rack = setup.rack;
  options.software = setup.software;
  return options;
}

}  // namespace

TelemetryBacklog::TelemetryBacklog(const Setup& setup, std::unique_ptr<wal::Writer> writer,
                                   wal::Receipts receipts, BacklogMarks marks)
    : setup_(setup),
      writer_(std::move(writer)),
      receipts_(std::move(receipts)),
      marks_(std::move(marks)),
      synced_at_(setup.clock.monotonic()),
      stored_at_(synced_at_) {
  read_from({});
}

Outcome<std::unique_ptr<TelemetryBacklog>> TelemetryBacklog::open(const Setup& setup) {
  auto writer = wal::Writer::open({setup.disk, setup.clock, setup.directory, setup.machine_id,
                                   model::Lane::kTelemetry, options_of(setup)});
  if (!writer) return tl::unexpected(writer.error());
  auto receipts = wal::Receipts::load(setup.disk, setup.directory);
  auto marks = BacklogMarks::load(setup.disk, setup.directory);
  if (!marks) {
    // Nobody knows any more what the runs before gave out.
    marks = BacklogMarks{};
    marks->sent_to = {(*writer)->epoch(), {}};
  }
  std::unique_ptr<TelemetryBacklog> backlog(new TelemetryBacklog(
      setup, *std::move(writer), receipts ? *std::move(receipts) : wal::Receipts{}, *std::move(marks)));
  // The last run may have died before it could state them; the mixer counts each once.
  for (const auto& lost : backlog->marks_.lost()) setup.ledger.add_lost(lost.range);
  backlog->drop_again();
  backlog->count_blocks();
  backlog->release();
  return backlog;
}

void TelemetryBacklog::count_blocks() {
  const auto names = wal::list_segments(setup_.disk, writer_->directory());
  if (!names) return;
  for (const auto& name : *names)
    if (const auto end = writer_->end_of(name)) blocks_ += waiting_in(name, *end);
}

bool TelemetryBacklog::is_gone(Position position) const { return position < marks_.dropped_to; }

std::uint64_t TelemetryBacklog::waiting_in(const wal::SegmentName& name, Sequence end) const {
  std::uint64_t first = name.first.value;
  if (name.epoch < marks_.dropped_to.epoch) return 0;
  if (name.epoch == marks_.dropped_to.epoch) first = std::max(first, marks_.dropped_to.sequence.value);
  if (first >= end.value) return 0;
  std::uint64_t waiting = end.value - first;
  for (const auto& range : receipts_.ranges(name.epoch)) {
    const std::uint64_t from = std::max(first, range.first.value);
    const std::uint64_t to = std::min(end.value, range.last.value + 1);
    if (from < to) waiting -= to - from;
  }
  return waiting;
}

void TelemetryBacklog::read_from(Position start) {
  if (reader_) damaged_places_ += reader_->damaged_places();
  reader_.emplace(setup_.disk, writer_->directory(), start, writer_->durable());
}

bool TelemetryBacklog::append(const TelemetryBlock& block, Sent sent) {
  scratch_.clear();
  encode(block, sent, scratch_);
  // Each round makes room, or is the last.
  for (;;) {
    const auto range = writer_->append(scratch_, 1);
    if (range) {
      ++blocks_;
      unsynced_bytes_ += scratch_.size();
      // The writer holds them in memory as well until then.
      if (unsynced_bytes_ >= kMostUnsynced) (void)sync();
      return true;
    }
    if (range.error().code != ErrorCode::kFull || !evict()) break;
  }
  lose(block, DropCause::kEvicted, sent);
  return false;
}

Result<std::optional<TelemetryBacklog::Item>> TelemetryBacklog::next() {
  for (;;) {
    const auto record = reader_->next();
    if (!record) return tl::unexpected(record.error());
    if (!*record) {
      if (unsynced_bytes_ == 0) {
        if (given_.empty() && blocks_ != 0) give_up_unreadable();
        return std::optional<Item>();
      }
      if (const auto synced = sync(); !synced) return tl::unexpected(synced.error());
      continue;
    }
    const auto position = (*record)->position;
    if (is_gone(position) || receipts_.contains(position.epoch, position.sequence)) continue;
    auto entry = decode_backlog_entry((*record)->bytes);
    if (!entry) {
      // Of a version that this one does not know: it must not hold up what follows.
      ++damaged_places_;
      acknowledge(position);
      continue;
    }
    if (const auto promised = promise_sent(position); !promised) {
      read_from(position);
      return tl::unexpected(promised.error());
    }
    given_.insert(position);
    return std::optional(Item{position, std::move(entry->block)});
  }
}

// All that can be read is acknowledged: what is left are holes, as a power loss makes between batches that
// were not synced. They must not keep the rack in REPLAY, or their segments on the disk.
void TelemetryBacklog::give_up_unreadable() {
  const auto names = wal::list_segments(setup_.disk, writer_->directory());
  if (!names) return;
  for (const auto& name : *names) {
    const Sequence end = writer_->end_of(name).value_or(writer_->next_sequence());
    if (name.first < end) (void)receipts_.add(name.epoch, {name.first, {end.value - 1}});
  }
  blocks_ = 0;
}

// After a crash it is not known which of these were sent, so all of them count as if they were. Before that
// is on disk none may leave: evicted after a crash, it would be named in one range with others that were
// never sent, and the store takes a range as a whole.
Result<void> TelemetryBacklog::promise_sent(Position position) {
  if (position <= marks_.sent_to) return {};
  const auto before =
      std::exchange(marks_.sent_to, {position.epoch, {position.sequence.value + kSentAhead - 1}});
  auto stored = marks_.store(setup_.disk, writer_->directory());
  if (!stored) marks_.sent_to = before;
  marks_changed_ = marks_changed_ && !stored;
  return stored;
}

void TelemetryBacklog::acknowledge(Position position) {
  given_.erase(position);
  if (is_gone(position)) return;
  const auto added = receipts_.add(position.epoch, {position.sequence, position.sequence});
  // Full of ranges: it is given out again after a restart, and the mixer knows it.
  if ((!added || *added) && blocks_ > 0) --blocks_;
}

void TelemetryBacklog::rewind() {
  if (given_.empty()) return;
  const Position first = *given_.begin();
  given_.clear();
  read_from(first);
}

Result<void> TelemetryBacklog::sync() {
  synced_at_ = setup_.clock.monotonic();
  const auto synced = writer_->sync();
  if (synced) unsynced_bytes_ = 0;
  return synced;
}

void TelemetryBacklog::store_marks() { marks_changed_ = !marks_.store(setup_.disk, writer_->directory()); }

bool TelemetryBacklog::is_short_of_disk() const {
  const auto free = setup_.disk.free_bytes(writer_->directory());
  return free && *free < setup_.free_bytes - setup_.free_bytes / 4;
}

bool TelemetryBacklog::keep_house(Need need) {
  const std::int64_t now = setup_.clock.monotonic().value;
  if (unsynced_bytes_ != 0 && now - synced_at_.value >= kSyncEvery) (void)sync();
  if ((need == Need::kSpace || is_short_of_disk()) && evict()) return true;
  if (now - stored_at_.value >= kStoreEvery) {
    stored_at_ = {now};
    if (marks_changed_) store_marks();
    if (receipts_.changed()) release();
  }
  const auto more = writer_->maintain();
  return more && *more;
}

// The acknowledgements are on disk before the segments that they cover go.
void TelemetryBacklog::release() {
  receipts_.forget_before(writer_->oldest_epoch());
  if (receipts_.changed() && !receipts_.store(setup_.disk, writer_->directory())) return;
  if (blocks_ == 0 && !writer_->rotate()) return;
  (void)writer_->release(receipts_);  // what stays is released the next time
}

Result<void> TelemetryBacklog::close() {
  if (marks_changed_) store_marks();
  Result<void> stored;
  if (receipts_.changed()) stored = receipts_.store(setup_.disk, writer_->directory());
  if (const auto closed = writer_->close(); !closed) return closed;
  unsynced_bytes_ = 0;
  return stored;
}

TelemetryBacklog::Stats TelemetryBacklog::stats() const {
  Stats stats{writer_->used_bytes(), blocks_, std::nullopt, damaged_places_ + reader_->damaged_places()};
  if (blocks_ == 0) return stats;
  RecordReader reader(setup_.disk, writer_->directory(), marks_.dropped_to, writer_->durable());
  while (const auto record = reader.next()) {
    if (!*record) break;
    const auto position = (*record)->position;
    if (is_gone(position) || receipts_.contains(position.epoch, position.sequence)) continue;
    if (const auto entry = decode_backlog_entry((*record)->bytes)) stats.oldest = entry->block.time;
    break;
  }
  return stats;
}

}  // namespace fluxrig::lane
