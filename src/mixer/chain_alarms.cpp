// Alarms of the chain watch: raised once for each thing that is wrong, counted when it is seen again, ended
// when it is put right.
#include <fmt/format.h>

#include <algorithm>

#include "mixer/chain_pieces.hpp"
#include "mixer/chain_watch.hpp"

namespace fluxrig::mixer {
namespace {

// More alarms than this of one epoch say nothing new: the last one counts on.
constexpr std::size_t kMostOpenOfKind = 64;

std::string missing_text(const Hole& hole) {
  if (hole.last < hole.first)
    return fmt::format("blocks without records are missing before record {}", hole.first.value);
  return hole.first == hole.last
             ? fmt::format("record {} is missing", hole.first.value)
             : fmt::format("records {} to {} are missing", hole.first.value, hole.last.value);
}

}  // namespace

std::vector<sink::AuditAlarm> ChainWatch::open_alarms(const sink::StreamKey& stream,
                                                      sink::AlarmKind kind) const {
  std::vector<sink::AuditAlarm> open;
  const auto wanted = [&](const auto& alarm) { return alarm.stream == stream && alarm.kind == kind; };
  for (const auto& [id, alarm] : committed_.open)
    if (wanted(alarm) && !alarms_.contains(id)) open.push_back(alarm);
  for (const auto& [id, alarm] : alarms_)
    if (wanted(alarm) && !alarm.resolved) open.push_back(alarm);
  return open;
}

void ChainWatch::raise(const sink::StreamKey& stream, Finding finding) {
  auto open = open_alarms(stream, finding.kind);
  // Each gap is one alarm; of the other kinds the first says it, and the rest are counted.
  const bool each = finding.kind == sink::AlarmKind::kGap && open.size() < kMostOpenOfKind;
  const auto same = std::find_if(open.begin(), open.end(),
                                 [&](const auto& alarm) { return !each || alarm.first == finding.first; });
  if (same != open.end()) {
    ++same->count;
    same->latest = now_;
    alarms_[same->id] = *same;
    return;
  }
  sink::AuditAlarm alarm;
  alarm.id = committed_.next_alarm + alarms_made_++;
  alarm.stream = stream;
  alarm.rack = std::move(finding.rack);
  if (const auto* chain = chain_of(stream); chain != nullptr && alarm.rack.empty()) alarm.rack = chain->rack;
  alarm.kind = finding.kind;
  alarm.first = finding.first;
  alarm.last = finding.last;
  alarm.what = std::move(finding.what);
  alarm.raised = alarm.latest = now_;
  alarms_[alarm.id] = std::move(alarm);
}

// An opening declaration stays open until one with the same beginning closes it.
void ChainWatch::note_loss(const sink::StreamKey& stream, const wal::LossBody& loss, Finding finding) {
  sink::AuditAlarm alarm;
  const auto open = open_alarms(stream, sink::AlarmKind::kDeclaredLoss);
  const auto same =
      std::find_if(open.begin(), open.end(), [&](const auto& one) { return one.raised == loss.from; });
  if (same != open.end()) {
    alarm = *same;
  } else {
    alarm.id = committed_.next_alarm + alarms_made_++;
    alarm.stream = stream;
    if (const auto* chain = chain_of(stream)) alarm.rack = chain->rack;
    alarm.kind = finding.kind;
    alarm.first = finding.first;
    alarm.raised = loss.from;
  }
  alarm.last = finding.last;
  alarm.what = std::move(finding.what);
  alarm.count = loss.count.value_or(0);
  alarm.latest = loss.to.value_or(now_);
  if (loss.to) alarm.resolved = *loss.to;
  alarms_[alarm.id] = std::move(alarm);
}

void ChainWatch::resolve(const sink::AuditAlarm& alarm) {
  auto& ended = alarms_[alarm.id];
  ended = alarm;
  ended.resolved = now_;
}

void ChainWatch::look_for_gaps(const PresentSince& present) {
  for (const auto& [stream, committed] : committed_.epochs) {
    const auto holes = holes_of(*chain_of(stream));
    for (const auto& hole : holes) {
      if (hole.given_up) continue;
      const auto since = present(stream.machine_id);
      if (!since || now_.value - std::max(hole.since.value, since->value) < kPatience) continue;
      give_up(draft(stream).chain, hole);
    }
  }
}

// Somebody has looked at this very thing, and it has not changed since.
bool ChainWatch::is_closed(const sink::StreamKey& stream, sink::AlarmKind kind, Sequence first,
                           Sequence last) const {
  return std::any_of(committed_.closed.begin(), committed_.closed.end(), [&](const auto& one) {
    const auto& alarm = one.second;
    return alarm.stream == stream && alarm.kind == kind && alarm.first == first && alarm.last == last;
  });
}

// The alarms of an epoch follow its holes.
void ChainWatch::settle(const sink::StreamKey& stream, sink::EpochChain& chain) {
  if (!join_pieces(chain))
    raise(stream, {sink::AlarmKind::kAlteration,
                   chain.pieces.front().first,
                   {},
                   "a checkpoint names another one before it than the one that stands there"});
  if (chain.end && !chain.pieces.empty() && chain.pieces.back().next > chain.end->next &&
      open_alarms(stream, sink::AlarmKind::kRollback).empty() &&
      !is_closed(stream, sink::AlarmKind::kRollback, chain.end->next, {chain.pieces.back().next.value - 1}))
    raise(stream, {sink::AlarmKind::kRollback,
                   chain.end->next,
                   {chain.pieces.back().next.value - 1},
                   "more records came than the rack's next epoch says that there were"});
  const auto holes = holes_of(chain);
  const auto open = open_alarms(stream, sink::AlarmKind::kGap);
  for (const auto& alarm : open) {
    const bool still = std::any_of(holes.begin(), holes.end(), [&](const Hole& hole) {
      return hole.given_up && hole.first == alarm.first && hole.last == alarm.last;
    });
    if (!still) resolve(alarm);
  }
  for (const auto& hole : holes) {
    const bool told = std::any_of(open.begin(), open.end(), [&](const auto& alarm) {
      return hole.first == alarm.first && hole.last == alarm.last;
    });
    if (hole.given_up && !told && !is_closed(stream, sink::AlarmKind::kGap, hole.first, hole.last))
      raise(stream, {sink::AlarmKind::kGap, hole.first, hole.last, missing_text(hole)});
  }
}

sink::AuditChanges ChainWatch::finish() {
  sink::AuditChanges changes;
  for (auto& [stream, one] : drafts_) {
    settle(stream, one.chain);
    const auto known = committed_.epochs.find(stream);
    if (known == committed_.epochs.end() || known->second != one.chain)
      changes.epochs.emplace(stream, std::move(one.chain));
  }
  changes.keys = std::move(keys_);
  for (auto& [id, alarm] : alarms_) changes.alarms.push_back(std::move(alarm));
  return changes;
}

}  // namespace fluxrig::mixer
