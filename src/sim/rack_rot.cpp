// A rack's rotting disk: what a flipped bit may take, and that it is named.
#include <fmt/format.h>

#include <algorithm>

#include "sim/rack_actor.hpp"
#include "wal/chain_walk.hpp"
#include "wal/cursor.hpp"

namespace fluxrig::sim {
namespace {
constexpr const char* kAudit = "data/audit";
constexpr const char* kSpool = "data/spool/post.out";
}  // namespace

void RackActor::rot() {
  const bool spool = world_.plan.posts != 0 && world_.random.below(2) == 0;
  const char* directory = spool ? kSpool : kAudit;
  const bool epoch_rotted = std::any_of(rots_.begin(), rots_.end(), [&](const BitRot& rot) {
    return rot.directory == directory && rot.file == "epoch";
  });
  auto rot =
      flip_bit(disk_, directory, epoch_rotted ? EpochFile::kSpared : EpochFile::kMayRot, world_.random);
  if (!rot) return;
  world_.note(actor_, spool ? "a bit of the spool rots" : "a bit of the audit log rots", rot->offset,
              rot->first.value);
  for (const auto execution : rot->executions) world_.oracle.excuse(execution);
  for (const auto message : rot->messages) world_.messages.damaged(message);
  if (!spool && rot->segment) excuse(rot->segment->epoch, rot->first);
  rots_.push_back(*std::move(rot));
}

bool RackActor::rotted(const std::string& file) const {
  return std::any_of(rots_.begin(), rots_.end(), [&](const BitRot& rot) { return rot.file == file; });
}

// What was released leaves a hole that only `receipts` explains; the mixer's next receipts explain it again.
bool RackActor::only_receipt_gone(const wal::ChainFault& fault) const {
  const bool unread = std::any_of(rots_.begin(), rots_.end(), [](const BitRot& rot) {
    return rot.directory == kAudit && rot.file == "receipts";
  });
  return unread && fault.kind == wal::FaultKind::kGap &&
         world_.oracle.has_row({machine_id_, model::Lane::kAudit, fault.epoch, fault.sequence});
}

// Alone in its segment, a rotten header looks like what a crash leaves while a segment is made, and is
// removed; a rotten last block looks like a torn tail, and is cut. The mixer, which may have it, sees a
// rollback.
bool RackActor::excused(const sink::AuditAlarm& alarm) const {
  if (excused(alarm.stream.epoch, alarm.first)) return true;
  return alarm.kind == sink::AlarmKind::kRollback &&
         std::any_of(rots_.begin(), rots_.end(), [&](const BitRot& rot) {
           if (rot.directory != kAudit || !rot.segment || rot.segment->epoch >= alarm.stream.epoch)
             return false;
           return rot.named || (rot.frame == 0 && rot.segment->first == Sequence{1});
         });
}

// It was declared and put aside, and then a bit hit a block without records, which may be that declaration.
bool RackActor::declaration_rotted(const BitRot& rot) const {
  if (!disk_.exists(path_of(kAudit, *rot.segment) + ".damaged")) return false;
  return std::any_of(rots_.begin(), rots_.end(), [&](const BitRot& other) {
    return other.directory == kAudit && other.segment && other.last < other.first &&
           other.segment->epoch >= rot.segment->epoch;
  });
}

bool RackActor::named(const BitRot& rot, const sink::AuditState& mixer) {
  if (rot.named || declaration_rotted(rot)) return true;
  for (const auto& [file, offset] : named_)
    if (file == rot.file && offset <= rot.offset) return true;
  const Epoch epoch = rot.segment->epoch;
  for (const auto& [id, alarm] : mixer.open)
    if (alarm.stream.machine_id == machine_id_ && alarm.stream.epoch >= epoch) return true;
  const auto chain = mixer.epochs.find({machine_id_, model::Lane::kAudit, epoch});
  if (chain != mixer.epochs.end())
    for (const auto& [first, last] : chain->second.declared)
      if (first <= rot.last && rot.first <= last) return true;
  const auto verified = wal::verify_chain(disk_, kAudit, {});
  if (!verified) return false;
  const auto& report = verified->report;
  return std::any_of(report.faults.begin(), report.faults.end(),
                     [&](const wal::ChainFault& fault) { return fault.epoch >= epoch; }) ||
         std::any_of(report.losses.begin(), report.losses.end(), [&](const wal::DeclaredLoss& loss) {
           return loss.body.range && loss.body.range->epoch == epoch;
         });
}

// The segment stays for 'fluxrig wal verify'.
bool RackActor::named_in_spool(const BitRot& rot) {
  if (rot.named) return true;
  const auto scan = wal::scan_segment(disk_, kSpool, *rot.segment);
  return scan && (scan->damage_count != 0 || scan->torn_bytes != 0);
}

// The recovery block of a start that has cut the rotten bytes.
bool RackActor::tells_of_cut(const BitRot& rot) {
  wal::Cursor cursor(disk_, rot.directory, {rot.segment->epoch, rot.segment->first});
  for (;;) {
    const auto block = cursor.next();
    if (!block && cursor.damage() && cursor.skip_damage()) continue;
    if (!block || !*block || (*block)->segment != *rot.segment) return false;
    if ((*block)->view.head.kind != model::BlockKind::kRecovery) continue;
    const auto body = wal::decode_recovery_body((*block)->view.body);
    if (body && body->offset <= rot.offset) return true;
  }
}

// A rotten last block looks like a torn tail: a start cuts it, and says so in a recovery block and to the
// operator. In the audit log that block is part of the chain, and goes only once the mixer has it. In the
// spool it goes with its segment, which stays until a start that lived has read it, and said so.
void RackActor::look_at_cuts(bool started) {
  for (auto& rot : rots_) {
    if (rot.named || !rot.segment) continue;
    if (rot.directory == kSpool && !started) continue;
    rot.named = tells_of_cut(rot);
  }
}

void RackActor::check_rots(const sink::AuditState& mixer) {
  for (const auto& rot : rots_) {
    if (!rot.segment) continue;
    bool missing = false;
    for (auto at = rot.first; at <= rot.last && rot.directory == kAudit; ++at.value)
      missing = missing || !world_.oracle.has_row({machine_id_, model::Lane::kAudit, rot.segment->epoch, at});
    for (const auto message : rot.messages) missing = missing || world_.messages.missing(message);
    if (!missing) continue;
    if (rot.directory == kAudit ? named(rot, mixer) : named_in_spool(rot)) continue;
    world_.oracle.fail("what rots is named",
                       fmt::format("{}: records {} to {} of {}/{} are gone, and nobody says so", name_,
                                   rot.first.value, rot.last.value, rot.directory, rot.file));
  }
}

}  // namespace fluxrig::sim
