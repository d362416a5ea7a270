#include "wal/writer.hpp"

#include <algorithm>

#include "wal/epoch_file.hpp"

namespace fluxrig::wal {
namespace {
// A block's map around its records: ids, hash, heads.
constexpr std::uint64_t kBlockOverheadBytes = 256;
// Kept at the end of every segment, so that the seal never needs new space.
constexpr std::uint64_t kSealBytes = 256;
// And kept from records, so that a full disk can still be declared: a loss, a checkpoint, the seal.
constexpr std::uint64_t kReservedBytes = kSealBytes + 256 + 1536;
// Checkpoints and losses do not start a segment before it is that much over its size.
constexpr std::uint64_t kControlOverrunBytes = 64U << 10;
// Small, so that a group commit never queues behind much of it.
constexpr std::uint64_t kBesideStepBytes = 256U << 10;
}  // namespace

Writer::Writer(WriterSetup setup, std::unique_ptr<Lock> lock, Recovery recovery)
    : setup_(std::move(setup)),
      lock_(std::move(lock)),
      recovered_(std::move(recovery.recovered)),
      closed_(std::move(recovery.segments)),
      chain_({setup_.machine_id, setup_.lane, recovered_.epoch}, Sequence{1}, model::Hash{}),
      spares_(setup_.disk, setup_.directory, setup_.options.spare_segments),
      reserve_(setup_.disk, setup_.directory, setup_.options.reserve_bytes) {
  auto& options = setup_.options;
  options.segment_bytes = std::max(options.segment_bytes, WriterOptions::kMinSegmentBytes);
  options.zero_step_bytes = std::max(options.zero_step_bytes, WriterOptions::kMinSegmentBytes);
  // What earlier runs left is on disk: cursors may read it even while no segment can be made.
  if (!closed_.empty()) durable_.set({closed_.back().name, ~std::uint64_t{0}});
  reserve_.find();
}

Result<SequenceRange> Writer::append(ByteView records, std::uint32_t count) {
  if (count == 0 || records.empty()) return fail(ErrorCode::kInvalid, "a block without records");
  if (records.size() + kBlockOverheadBytes > model::kMaxBlockBytes)
    return fail(ErrorCode::kOversize, "the block is over the limit");
  if (const auto ready = make_room(records.size()); !ready) return tl::unexpected(ready.error());
  const Sequence first = chain_.next();
  if (const auto written = write({model::BlockKind::kRecords, count, records, {}}); !written)
    return tl::unexpected(written.error());
  records_ += count;
  return SequenceRange{first, Sequence{first.value + count - 1}};
}

Result<void> Writer::append_control(model::BlockKind kind, ByteView body) {
  if (kind == model::BlockKind::kRecords || kind == model::BlockKind::kHeader ||
      kind == model::BlockKind::kSeal)
    return fail(ErrorCode::kInvalid, "not a control block");
  if (body.size() + kBlockOverheadBytes > model::kMaxBlockBytes)
    return fail(ErrorCode::kOversize, "the block is over the limit");
  if (const auto ready = make_control_room(body.size()); !ready) return ready;
  return write({kind, 0, {}, body});
}

Result<void> Writer::make_room(std::uint64_t records_bytes) {
  return prepare(records_bytes + kBlockOverheadBytes, Room::kRecords);
}

Result<void> Writer::make_control_room(std::uint64_t body_bytes) {
  return prepare(body_bytes + kBlockOverheadBytes, Room::kControl);
}

// A segment's name is its first sequence: without records in it, the next would have the same name.
bool Writer::should_rotate(std::uint64_t frame_bytes, Room room) {
  if (sealed_) return true;
  if (records_ == 0) return false;
  const std::uint64_t most =
      setup_.options.segment_bytes + (room == Room::kControl ? kControlOverrunBytes : std::uint64_t{0});
  if (active_->tail() + frame_bytes + (room == Room::kControl ? kSealBytes : kReservedBytes) > most)
    return true;
  return room == Room::kRecords && too_old() && room_for_segment(room);
}

// Afterwards there is an open segment with zeros enough for a frame of that size and what is kept behind it.
Result<void> Writer::prepare(std::uint64_t frame_bytes, Room room) {
  if (ended_) return fail(ErrorCode::kRefused, "the writer is closed");
  if (!active_) {
    if (const auto opened = open_segment(room); !opened) return opened;
  }
  if (should_rotate(frame_bytes, room)) {
    // Not closed before there is room for another: its tail is where a full disk is declared.
    if (!sealed_) {
      if (const auto enough = room_for_segment(room); !enough) return enough;
    }
    if (const auto closed = close_segment(); !closed) return closed;
    if (const auto opened = open_segment(room); !opened) return opened;
  }
  if (active_->unsynced_bytes() + frame_bytes > kMaxUnsyncedBytes) {
    if (const auto synced = sync(); !synced) return synced;
  }
  return ensure_allocated(
      active_->tail() + frame_bytes + (room == Room::kControl ? kSealBytes : kReservedBytes), room);
}

Result<void> Writer::write(const Chain::Content& content) {
  const auto block = chain_.build(content, setup_.clock.now());
  if (!block) return tl::unexpected(block.error());
  if (const auto written = active_->append(*block); !written) return written;
  chain_.advance();
  ++blocks_;
  return {};
}

Result<void> Writer::sync() {
  if (!active_ || active_->unsynced_bytes() == 0) return {};
  const auto synced = active_->sync();
  if (synced) publish();
  return synced;
}

void Writer::publish() { durable_.set({active_->name(), active_->synced_tail()}); }

Result<void> Writer::rotate() {
  if (ended_) return fail(ErrorCode::kRefused, "the writer is closed");
  if (active_ && !sealed_ && records_ == 0) return sync();
  if (active_) {
    if (const auto closed = close_segment(); !closed) return closed;
  }
  return open_segment(Room::kRecords);
}

Result<void> Writer::close() {
  ended_ = true;
  if (active_) {
    if (const auto closed = close_segment(); !closed) return closed;
  }
  return remember_end();
}

// The next start links to it although all segments may be released by then.
Result<void> Writer::remember_end() {
  if (end_remembered_ || chain_.head() == model::Hash{}) return {};
  EpochState state{epoch(), setup_.machine_id, EpochLink{epoch(), chain_.next(), chain_.head()}};
  const auto stored = store_epoch(setup_.disk, setup_.directory, state);
  end_remembered_ = stored.has_value();
  return stored;
}

// Each step may fail and be tried again: the seal is written once, the segment closed when its sync is good.
Result<void> Writer::close_segment() {
  if (!sealed_) {
    Bytes body;
    encode_seal_body({blocks_, records_}, body);
    if (const auto written = write({model::BlockKind::kSeal, 0, {}, body}); !written) return written;
    sealed_ = true;
  }
  // Before anything of the next segment can be: else a crash could keep the later one and lose the earlier.
  if (const auto synced = sync(); !synced) return synced;
  closed_.push_back({active_->name(), active_->file_bytes(), chain_.next(), true});
  active_.reset();
  sealed_ = false;
  return {};
}

Result<std::unique_ptr<ActiveSegment>> Writer::make_segment(const SegmentName& name, Room room) {
  const std::string path = path_of(setup_.directory, name);
  if (const auto spare = spares_.take()) {
    const auto renamed = setup_.disk.rename(spare->path, path);
    auto file = renamed ? setup_.disk.open(path, OpenMode::kReadWrite)
                        : Result<std::unique_ptr<File>>(tl::unexpected(renamed.error()));
    if (file) return std::make_unique<ActiveSegment>(std::move(*file), name, 0, spare->bytes);
  }
  const std::uint64_t first_bytes = first_step(room);
  if (const auto enough = check_room(first_bytes, room); !enough) return tl::unexpected(enough.error());
  auto file = setup_.disk.open(path, OpenMode::kCreateEmpty);
  if (!file) return tl::unexpected(file.error());
  auto segment = std::make_unique<ActiveSegment>(std::move(*file), name, 0, 0);
  if (const auto zeroed = segment->allocate(first_bytes); !zeroed) return tl::unexpected(zeroed.error());
  return segment;
}

Result<void> Writer::open_segment(Room room) {
  const SegmentName name{epoch(), chain_.next()};
  auto segment = make_segment(name, room);
  HeaderBody header{setup_.options.rack, setup_.options.software, {}, setup_.options.public_key};
  if (name.first.value == 1) header.link = recovered_.link;
  Bytes body;
  encode_header_body(header, body);
  const auto block = chain_.build({model::BlockKind::kHeader, 0, {}, body}, setup_.clock.now());
  Result<void> done;
  if (!segment) done = tl::unexpected(segment.error());
  if (done && !block) done = tl::unexpected(block.error());
  if (done) done = (*segment)->append(*block);
  if (done) done = (*segment)->sync();
  if (done) done = setup_.disk.sync_directory(setup_.directory);
  if (!done) {
    // Without it the next try starts clean; when this fails too, the next try cuts the file to nothing.
    (void)setup_.disk.unlink(path_of(setup_.directory, name));
    return done;
  }
  active_ = std::move(*segment);
  end_remembered_ = false;
  chain_.advance();
  blocks_ = 1;
  records_ = 0;
  opened_at_ = setup_.clock.monotonic();
  publish();
  return {};
}

bool Writer::too_old() const noexcept {
  return setup_.clock.monotonic().value - opened_at_.value >= setup_.options.segment_age_nanos;
}

Result<bool> Writer::maintain() {
  if (ended_) return false;
  if (!active_) {
    const auto opened = open_segment(Room::kRecords);
    return opened ? Result<bool>(true) : tl::unexpected(opened.error());
  }
  if (sealed_ || (records_ > 0 && too_old() && room_for_segment(Room::kRecords))) {
    const auto rotated = rotate();
    return rotated ? Result<bool>(true) : tl::unexpected(rotated.error());
  }
  // Half of the last step left: write the next one before an append has to.
  const std::uint64_t end = next_step();
  const std::uint64_t ahead = active_->allocated() - std::min(active_->tail(), active_->allocated());
  if (end > active_->allocated() && ahead < (end - active_->allocated()) / 2) {
    if (const auto enough = check_room(end - active_->allocated(), Room::kRecords); !enough)
      return tl::unexpected(enough.error());
    if (const auto grown = active_->allocate(end); !grown) return tl::unexpected(grown.error());
    const auto synced = active_->sync();
    if (!synced) return tl::unexpected(synced.error());
    publish();
    return true;
  }
  if (!reserve_.whole()) {
    const auto free = setup_.disk.free_bytes(setup_.directory);
    const std::uint64_t roomy = setup_.options.free_reserve_bytes + setup_.options.segment_bytes;
    if (free && *free >= roomy + 2 * Reserve::kStepBytes) {
      if (const auto taken = reserve_.take(); !taken) return tl::unexpected(taken.error());
      credit_ = 0;
      return true;
    }
  }
  if (wants_spare()) spares_.add_new(setup_.options.segment_bytes);
  return spares_.step(spares_.works_beside() ? kBesideStepBytes : setup_.options.zero_step_bytes);
}

Epoch Writer::oldest_epoch() const noexcept { return closed_.empty() ? epoch() : closed_.front().name.epoch; }

}  // namespace fluxrig::wal
