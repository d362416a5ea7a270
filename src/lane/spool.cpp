#include "lane/spool.hpp"

#include <algorithm>

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

void Spool::read_from(Position start) {
  if (reader_) damaged_before_ += reader_->damaged_places();
  reader_.emplace(disk_, writer_->directory(), start, writer_->durable());
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
  spool->count_waiting();
  return spool;
}

// Reads all that the runs before left: as long as its bytes take, once.
void Spool::count_waiting() {
  RecordReader reader(disk_, writer_->directory(), {}, writer_->durable());
  while (const auto record = reader.next()) {
    if (!*record) break;
    if (!receipts_.contains((*record)->position.epoch, (*record)->position.sequence)) ++waiting_;
  }
  found_.damaged_places = reader.damaged_places();
  found_.messages = waiting_;
  // Of a cut behind a seal no block tells.
  found_.cut_bytes = std::max(reader.cut_bytes(), writer_->recovered().cut_bytes);
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
    const auto record = reader_->next();
    if (!record) return tl::unexpected(record.error());
    if (!*record) return std::optional<Item>();
    const auto& [position, segment, bytes] = **record;
    if (receipts_.contains(position.epoch, position.sequence)) continue;
    given_.insert(position);
    return std::optional(Item{position, Bytes(bytes.begin(), bytes.end())});
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
  if (!has_house_work()) {
    const auto more = writer_->maintain();
    if (!more) return tl::unexpected(more.error());
    return {};
  }
  if (receipts_.changed()) {
    receipts_.forget_before(writer_->oldest_epoch());
    // The acknowledgements are on disk before the segments that they cover go.
    if (const auto stored = receipts_.store(disk_, writer_->directory()); !stored) return stored;
    if (waiting_ == 0)
      if (const auto rotated = writer_->rotate(); !rotated) return rotated;
  }
  if (const auto released = writer_->release(receipts_); !released) return tl::unexpected(released.error());
  release_due_ = false;
  return {};
}

Result<void> Spool::close() {
  Result<void> stored;
  if (receipts_.changed()) stored = receipts_.store(disk_, writer_->directory());
  if (const auto closed = writer_->close(); !closed) return closed;
  return stored;
}

}  // namespace fluxrig::lane
