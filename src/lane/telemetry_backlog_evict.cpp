// What has to go before it was sent, for want of room: counted and named, and only then deleted.
#include <algorithm>
#include <map>

#include "lane/telemetry_backlog.hpp"
#include "wal/segment_name.hpp"

namespace fluxrig::lane {
namespace {

model::LostTelemetry lost_of(const TelemetryBlock& block, DropCause cause) {
  return {block.epoch, block.first, block.last(), block.hour(), cause, block.signals};
}

}  // namespace

void TelemetryBacklog::lose(const TelemetryBlock& block, DropCause cause, Sent sent) {
  setup_.drops.add(cause, block.count);
  setup_.ledger.add_lost(marks_.add({lost_of(block, cause), sent}));
  marks_changed_ = true;
}

// What a segment holds that is neither acknowledged nor dropped already, without its bytes. A failure of the
// disk: nothing is known of it.
Result<std::vector<BacklogEntry>> TelemetryBacklog::read_heads(const wal::SegmentName& name) {
  RecordReader reader(setup_.disk, writer_->directory(), {name.epoch, name.first}, writer_->durable());
  std::vector<BacklogEntry> entries;
  for (;;) {
    const auto record = reader.next();
    if (!record) return tl::unexpected(record.error());
    if (!*record || (*record)->segment != name) break;
    const auto position = (*record)->position;
    if (is_gone(position) || receipts_.contains(position.epoch, position.sequence)) continue;
    auto entry = decode_backlog_entry((*record)->bytes);
    if (!entry) continue;
    if (position <= marks_.sent_to) entry->sent = Sent::kMaybe;
    entry->block.bytes = {};
    entries.push_back(*std::move(entry));
  }
  damaged_places_ += reader.damaged_places();
  return entries;
}

// Counted before it is deleted: a crash between the two finds the marks, and deletes it then.
bool TelemetryBacklog::evict() {
  const auto names = wal::list_segments(setup_.disk, writer_->directory());
  if (!names || names->empty()) return false;
  const auto oldest = names->front();
  const auto end = writer_->end_of(oldest);
  if (!end) return false;  // it is being written
  const auto entries = read_heads(oldest);
  if (!entries) return false;
  auto marks = marks_;
  marks.dropped_to = std::max(marks.dropped_to, Position{oldest.epoch, *end});
  std::map<std::pair<Epoch, Sequence>, model::LostTelemetry> lost;
  for (const auto& entry : *entries) {
    const auto range = marks.add({lost_of(entry.block, DropCause::kEvicted), entry.sent});
    lost[{range.epoch, range.first}] = range;
  }
  const auto stored = marks.store(setup_.disk, writer_->directory());
  // A full disk gets its room by what follows; any other failure must not make two counts of one batch.
  if (!stored && stored.error().code != ErrorCode::kFull) return false;
  marks_changed_ = !stored;
  blocks_ -= std::min(blocks_, waiting_in(oldest, *end));
  marks_ = std::move(marks);
  for (const auto& [key, range] : lost) setup_.ledger.add_lost(range);
  for (const auto& entry : *entries) setup_.drops.add(DropCause::kEvicted, entry.block.count);
  given_.erase(given_.begin(), given_.lower_bound(marks_.dropped_to));
  const auto dropped = writer_->drop_oldest();
  return dropped && *dropped;
}

// What the last run has counted as evicted and had no time to delete.
void TelemetryBacklog::drop_again() {
  for (;;) {
    const auto names = wal::list_segments(setup_.disk, writer_->directory());
    if (!names || names->empty()) return;
    const auto end = writer_->end_of(names->front());
    if (!end || !is_gone({names->front().epoch, Sequence{end->value - 1}})) return;
    if (const auto dropped = writer_->drop_oldest(); !dropped || !*dropped) return;
  }
}

}  // namespace fluxrig::lane
