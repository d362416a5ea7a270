#include "lane/spool.hpp"

#include <algorithm>

#include "cbor/decoder.hpp"

namespace fluxrig::lane {
namespace {

constexpr std::uint64_t kSegmentsInSpool = 16;
constexpr std::uint64_t kSmallestSegment = 256U << 10;
constexpr std::uint64_t kLargestSegment = 8U << 20;
constexpr std::uint64_t kZeroStep = 256U << 10;

wal::WriterOptions options_of(const Spool::Setup& setup) {
  wal::WriterOptions options;
  options.directory_bytes = std::max(setup.bytes, Spool::kMinBytes);
  options.segment_bytes =
      std::clamp(options.directory_bytes / kSegmentsInSpool, kSmallestSegment, kLargestSegment);
  options.zero_step_bytes = kZeroStep;
  options.spare_segments = 1;
  options.rack = setup.rack;
  options.software = setup.software;
  return options;
}

}  // namespace

Spool::Spool(wal::Disk& disk, std::unique_ptr<wal::Writer> writer, wal::Receipts receipts)
    : disk_(disk), writer_(std::move(writer)), receipts_(std::move(receipts)) {
  read_from({});
}

void Spool::read_from(wal::Cursor::Start start) {
  block_.reset();
  cursor_.emplace(disk_, writer_->directory(), start, &writer_->durable());
}

Outcome<std::unique_ptr<Spool>> Spool::open(const Setup& setup) {
  auto writer = wal::Writer::open(
      {setup.disk, setup.clock, setup.directory, setup.machine_id, model::Lane::kSpool, options_of(setup)});
  if (!writer) return tl::unexpected(writer.error());
  auto receipts = wal::Receipts::load(setup.disk, setup.directory);
  const bool damaged = !receipts.has_value();
  std::unique_ptr<Spool> spool(
      new Spool(setup.disk, *std::move(writer), damaged ? wal::Receipts{} : *std::move(receipts)));
  spool->found_.receipts_damaged = damaged;
  spool->found_.cut_bytes = spool->writer_->recovered().cut_bytes;
  spool->count_waiting();
  // What the last run acknowledged and had no time to delete. A failure shows again when there is work.
  (void)spool->writer_->release(spool->receipts_);
  return spool;
}

// Reads all that the runs before left: as long as its bytes take, once.
void Spool::count_waiting() {
  wal::Cursor cursor(disk_, writer_->directory(), {}, &writer_->durable());
  while (const auto more = next_block(cursor, found_.damaged_places)) {
    if (!*more) break;
    const auto& head = block_->view.head;
    for (std::uint32_t i = 0; i < head.count; ++i)
      if (!receipts_.contains(head.epoch, Sequence{head.first.value + i})) ++waiting_;
  }
  block_.reset();
  found_.messages = waiting_;
}

// True: block_ is the cursor's next block with records.
Result<bool> Spool::next_block(wal::Cursor& cursor, std::size_t& damaged) {
  for (;;) {
    auto block = cursor.next();
    if (block && !*block) return false;
    if (block) {
      if ((*block)->view.head.kind != model::BlockKind::kRecords) continue;
      block_ = **block;
      offset_ = 0;
      sequence_ = block_->view.head.first.value;
      return true;
    }
    if (block.error().code != ErrorCode::kCorrupt) return tl::unexpected(block.error());
    ++damaged;
    if (const auto skipped = cursor.skip_damage(); !skipped) return tl::unexpected(skipped.error());
  }
}

Result<Spool::Position> Spool::append(ByteView record) {
  const auto range = writer_->append(record, 1);
  if (!range) return tl::unexpected(range.error());
  ++waiting_;
  return Position{writer_->epoch(), range->first};
}

Result<void> Spool::sync() { return writer_->sync(); }

Result<std::optional<Spool::Item>> Spool::next() {
  for (;;) {
    if (!block_) {
      const auto more = next_block(*cursor_, damaged_places_);
      if (!more) return tl::unexpected(more.error());
      if (!*more) return std::optional<Item>();
    }
    const auto& view = block_->view;
    if (offset_ >= view.records.size()) {
      block_.reset();
      continue;
    }
    cbor::Decoder decoder(view.records.subspan(offset_));
    const auto record = decoder.skip();  // the block was checked to hold whole items
    if (!record) {
      block_.reset();
      continue;
    }
    const Position position{view.head.epoch, Sequence{sequence_++}};
    offset_ += record->size();
    if (receipts_.contains(position.epoch, position.sequence)) continue;
    given_.insert(position);
    return std::optional(Item{position, Bytes(record->begin(), record->end())});
  }
}

void Spool::rewind() {
  if (given_.empty()) return;
  const Position first = *given_.begin();
  given_.clear();
  read_from({first.epoch, first.sequence});
}

void Spool::acknowledge(Position position) {
  const auto added = receipts_.add(position.epoch, {position.sequence, position.sequence});
  given_.erase(position);
  // Full of ranges: it is given out again after a restart, and the receiver knows it.
  const bool counted = added ? *added : true;
  if (counted && waiting_ > 0) --waiting_;
}

Result<void> Spool::keep_house() {
  if (!receipts_.changed()) {
    const auto more = writer_->maintain();
    if (!more) return tl::unexpected(more.error());
    return {};
  }
  receipts_.forget_before(writer_->oldest_epoch());
  // The acknowledgements are on disk before the segments that they cover go.
  if (const auto stored = receipts_.store(disk_, writer_->directory()); !stored) return stored;
  if (waiting_ == 0)
    if (const auto rotated = writer_->rotate(); !rotated) return rotated;
  if (const auto released = writer_->release(receipts_); !released) return tl::unexpected(released.error());
  return {};
}

Result<void> Spool::close() {
  Result<void> stored;
  if (receipts_.changed()) stored = receipts_.store(disk_, writer_->directory());
  if (const auto closed = writer_->close(); !closed) return closed;
  return stored;
}

}  // namespace fluxrig::lane
