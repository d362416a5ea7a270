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
  auto rot = flip_bit(disk_, spool ? kSpool : kAudit, world_.random);
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

bool RackActor::named(const BitRot& rot, const sink::AuditState& mixer) {
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

// The segment stays for 'fluxrig wal verify', or its recovery block tells of the cut.
bool RackActor::named_in_spool(const BitRot& rot) {
  const auto scan = wal::scan_segment(disk_, kSpool, *rot.segment);
  if (!scan) return false;
  if (scan->damage_count != 0 || scan->torn_bytes != 0) return true;
  wal::Cursor cursor(disk_, kSpool, {rot.segment->epoch, rot.segment->first});
  for (;;) {
    const auto block = cursor.next();
    if (!block || !*block || (*block)->segment != *rot.segment) return false;
    if ((*block)->view.head.kind == model::BlockKind::kRecovery) return true;
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
