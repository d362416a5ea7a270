// What must hold of a rack while it lives and when all has drained.
#include <fmt/format.h>

#include <algorithm>

#include "sim/rack_actor.hpp"
#include "wal/chain_walk.hpp"
#include "wal/cursor.hpp"

namespace fluxrig::sim {
namespace {
constexpr const char* kAudit = "data/audit";
}

bool RackActor::settled() {
  if (process_ == nullptr || process_->blocked || process_->in_interval || process_->pump->has_work() ||
      process_->pump->unsynced() || process_->runtime->open() != 0)
    return false;
  if (process_->counted_audit && !process_->counted_audit->declared()) return false;
  return process_->link->settled() && (!process_->backlog || process_->backlog->empty());
}

std::string RackActor::state() {
  if (settled()) return "is settled";
  if (process_ == nullptr) return "is down";
  if (process_->blocked) return "cannot write its audit log";
  if (process_->pump->has_work() || process_->runtime->open() != 0) return "has transactions in memory";
  if (process_->counted_audit && !process_->counted_audit->declared())
    return "has let records go and not declared it";
  if (process_->link->pressure().diverting()) return "is in DIVERT";
  if (!process_->link->settled()) return "has records without a receipt";
  const auto backlog = process_->backlog->stats();
  return fmt::format("has {} batches in its backlog, {} of them readable, with {} damaged places",
                     backlog.blocks, backlog.oldest ? "some" : "none", backlog.damaged_places);
}

void RackActor::excuse(Epoch epoch, Sequence from) {
  const auto [known, fresh] = excused_.emplace(epoch, from);
  if (!fresh) known->second = std::min(known->second, from);
}

// A start, or a process that went on to its next segment, may have sealed an epoch's last one and been
// refused the sync: the next start reads the seal, and cannot know that a power loss will still take it.
void RackActor::excuse_forgotten_ends() {
  const auto names = wal::list_segments(disk_, kAudit);
  if (!names) return;
  for (const auto& name : *names) {
    if (process_->audit && name.epoch == process_->audit->writer().epoch()) continue;
    if (!disk_.forgot(path_of(kAudit, name))) continue;
    forgotten_.insert(name.epoch);
    // An epoch that is not there is of a start that died before its log was open: no record is in it.
    const auto unsynced = unsynced_.find(name.epoch);
    excuse(name.epoch, unsynced == unsynced_.end() ? Sequence{1} : unsynced->second);
  }
}

// Where the seal alone was forgotten, the fault is told of the first record of the block before it.
bool RackActor::only_end_forgotten(Epoch epoch, std::string_view what) const {
  return forgotten_.contains(epoch) && what.starts_with("the epoch does not end with the block");
}

// Several frames that were not yet synced may come out of a power loss with a hole between them, which
// looks like damage: recovery names it.
void RackActor::take_recovery(const wal::Recovered& recovered) {
  world_.note(actor_, "recovers", recovered.epoch.value, recovered.damages.size());
  // Everything of the epochs before was released: nothing is left that could be named.
  if (!recovered.link) excuse(recovered.epoch, {1});
  if (recovered.link) world_.note(actor_, "links to", recovered.link->epoch.value, recovered.link->end.value);
  if (recovered.cut_bytes != 0) {
    world_.note(actor_, "cuts", recovered.cut_bytes, recovered.cut_offset);
    named_.emplace(recovered.cut_file, recovered.cut_offset);
  }
  if (recovered.seal_error) world_.note(actor_, "cannot seal");
  for (const auto& damage : recovered.damages) {
    world_.note(actor_, damage.what, damage.epoch.value, damage.sequence.value);
    named_.emplace(damage.file, damage.offset);
    if (rotted(damage.file)) {
      excuse(damage.epoch, damage.sequence);
      continue;
    }
    // An epoch that is not there is of a start that died before its log was open: it has a header at most,
    // and the seal that another start gave it.
    const auto unsynced = unsynced_.find(damage.epoch);
    if (unsynced == unsynced_.end() || damage.sequence >= unsynced->second)
      excuse(damage.epoch, damage.sequence);
    else
      world_.oracle.fail("the chain verifies",
                         fmt::format("{}: recovery of what was on disk: {} at byte {} of {}", name_,
                                     damage.what, damage.offset, damage.file));
  }
}

bool RackActor::excused(Epoch epoch, Sequence sequence) const {
  const auto found = excused_.find(epoch);
  return found != excused_.end() && sequence.value + 1 >= found->second.value;
}

void RackActor::check_disk() {
  const auto verified = wal::verify_chain(disk_, kAudit, {});
  if (!verified) return;  // the disk refuses to be read at this moment
  for (const auto& fault : verified->report.faults)
    if (!excused(fault.epoch, fault.sequence) && !only_end_forgotten(fault.epoch, fault.what) &&
        !only_receipt_gone(fault))
      return world_.oracle.fail("the chain verifies",
                                fmt::format("{}: {}: {}, epoch {} sequence {}", name_, to_string(fault.kind),
                                            fault.what, fault.epoch.value, fault.sequence.value));
}

void RackActor::read_losses() {
  wal::Cursor cursor(disk_, kAudit, {});
  for (;;) {
    const auto block = cursor.next();
    if (!block && cursor.damage() && cursor.skip_damage()) continue;
    if (!block || !*block) return;
    const auto& view = (*block)->view;
    if (view.head.kind != model::BlockKind::kLoss) continue;
    if (const auto body = wal::decode_loss_body(view.body)) world_.losses.declared(view.head, *body);
  }
}

}  // namespace fluxrig::sim
