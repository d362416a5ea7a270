// Records that should be in the audit log and are not: what the disk refused, what it cannot give back. Both
// are said in the chain itself.
#include <fmt/format.h>

#include "rack/audit_lane.hpp"
#include "tap/pump.hpp"
#include "wal/damage.hpp"

namespace fluxrig::rack {
namespace {

// Beside the records: a declaration and the checkpoint behind it.
constexpr std::uint64_t kDeclarationBytes = 2048;

// Everything but a mistake of the caller.
bool is_of_the_disk(const Error& error) noexcept {
  return error.code != ErrorCode::kInvalid && error.code != ErrorCode::kOversize;
}

std::string cause_of(const Error& error) { return error.code == ErrorCode::kFull ? "disk_full" : "io_error"; }

}  // namespace

Result<void> AuditLane::append(ByteView records, std::uint32_t count) {
  auto done = trouble_ ? append_after_trouble(records, count) : try_append(records, count);
  if (done || !is_of_the_disk(done.error())) return done;
  begin_trouble(done.error());
  if (!continue_) return done;
  trouble_->lost += count;
  lost_.fetch_add(count, std::memory_order_relaxed);
  return {};
}

// The declaration stands where the lost records would have stood: before the first one that is kept again.
Result<void> AuditLane::append_after_trouble(ByteView records, std::uint32_t count) {
  const MonotonicNanos now = clock_.monotonic();
  if (continue_ && now < trouble_->retry_at) return tl::unexpected(trouble_->error);
  trouble_->retry_at = {now.value + kRetryAppend};
  if (const auto room = writer_->make_room(records.size() + kDeclarationBytes); !room)
    return tl::unexpected(room.error());
  if (const auto ended = end_trouble(); !ended) return ended;
  return try_append(records, count);
}

void AuditLane::begin_trouble(const Error& error) {
  if (trouble_) return;
  trouble_ = Trouble{clock_.now(), error, 0, false, {clock_.monotonic().value + kRetryAppend}};
  if (!continue_) return;
  diagnostics_.error("wal",
                     "the audit log cannot be written: replies go on, their records are lost and declared; "
                     "free space, or repair the disk",
                     {{"directory", writer_->directory()}, {"cause", to_string(error)}});
  open_declaration();
}

// Into the room that is kept for it at the end of the segment. Best effort: the closing one says it all
// again.
void AuditLane::open_declaration() {
  const wal::LossBody loss{cause_of(trouble_->error), std::nullopt, trouble_->from, std::nullopt,
                           std::nullopt};
  if (!declare(loss)) return;
  trouble_->opened = true;
  // Synced with its checkpoint, which is due now.
  if (!signer_ && !writer_->sync()) return;
  news_ = true;
}

Result<void> AuditLane::declare(const wal::LossBody& loss) {
  Bytes body;
  wal::encode_loss_body(loss, body);
  const auto appended = writer_->append_control(model::BlockKind::kLoss, body);
  if (appended && signer_) signer_->demand();
  return appended;
}

Result<void> AuditLane::end_trouble() {
  const wal::LossBody loss{cause_of(trouble_->error), trouble_->lost, trouble_->from, clock_.now(),
                           std::nullopt};
  // A full disk that only made the rack refuse has cost nothing; an error of the disk is said in any case.
  const bool worth_saying = trouble_->opened || trouble_->lost != 0 || loss.cause == "io_error";
  if (worth_saying)
    if (const auto declared = declare(loss); !declared) return declared;
  trouble_.reset();
  if (!continue_) return {};
  diagnostics_.warn("wal",
                    fmt::format("the audit log can be written again; {} records were lost, as its chain "
                                "declares",
                                *loss.count));
  if (*loss.count != 0) listeners_.lost(loss);
  return {};
}

// Nobody may append for a long time: the end of the trouble is then noticed here.
void AuditLane::outlive_trouble() {
  if (!trouble_ || clock_.monotonic() < trouble_->retry_at) return;
  trouble_->retry_at = {clock_.monotonic().value + kRetryEvery};
  const auto synced = writer_->sync();
  const auto room = synced ? writer_->make_room(tap::Pump::kMaxBatchBytes + kDeclarationBytes) : synced;
  if (room) {
    (void)end_trouble();  // refused, it is tried again
  } else if (continue_ && !trouble_->opened) {
    open_declaration();
  }
}

void AuditLane::deliver_damage(std::string_view file) {
  const auto name = wal::parse_segment_name(file);
  const std::lock_guard lock(mutex_);
  if (name && waiting_damage_.size() < kMaxDamagedSegments) waiting_damage_.push_back(*name);
}

void AuditLane::declare_damages() {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& name : waiting_damage_)
      if (damaged_.size() < kMaxDamagedSegments && !declared_.contains(name)) damaged_.insert(name);
    waiting_damage_.clear();
  }
  if (damaged_.empty() || clock_.monotonic() < damage_retry_at_) return;
  damage_retry_at_ = {clock_.monotonic().value + kRetryEvery};
  std::erase_if(damaged_, [this](const wal::SegmentName& name) { return declare_damage(name); });
}

bool AuditLane::known_at_mixer(const wal::LossBody::Range& range) const {
  if (range.first <= range.last) return receipts_.covers(range.epoch, {range.first, range.last});
  const auto chain = receipts_.chain(range.epoch);
  return chain && chain->next > range.first;
}

// True: done with it. What is declared counts as receipted, so that the segment can go.
bool AuditLane::declare_damage(const wal::SegmentName& name) {
  const auto end = writer_->end_of(name);
  if (!end) return name.epoch < writer_->epoch();  // released meanwhile; or it is still being written
  const auto ranges = wal::damaged_ranges(disk_, writer_->directory(), name, *end);
  if (!ranges) return false;
  std::uint64_t lost = 0;
  for (const auto& range : *ranges) {
    if (known_at_mixer(range)) continue;
    const std::uint64_t count = range.last.value + 1 - range.first.value;
    const UnixNanos now = clock_.now();
    if (!declared_.contains(name) && !declare({"damage", count, now, now, range})) return false;
    lost += count;
  }
  declared_.insert(name);
  if (signer_ ? !signer_->finish(*writer_) : !writer_->sync()) return false;
  news_ = true;
  for (const auto& range : *ranges)
    if (range.first <= range.last) (void)receipts_.add(range.epoch, {range.first, range.last});
  writer_->mark_damaged(name);
  lost_.fetch_add(lost, std::memory_order_relaxed);
  diagnostics_.error(
      "wal", fmt::format("{} records of a damaged segment cannot be read any more: declared lost", lost),
      {{"file", to_string(name)}});
  return true;
}

}  // namespace fluxrig::rack
