// Ingest and the audit chains: what the watch makes of a batch, and what it says of it.
#include <algorithm>

#include "mixer/ingest.hpp"

namespace fluxrig::mixer {

// Against the state as last committed: a batch that is tried again is judged again.
Result<sink::AuditChanges> Ingest::judge_chains() {
  ChainWatch watch(parts_.sink.audit(), parts_.clock.now());
  for (const auto& question : watch.questions(blocks_)) {
    const auto known =
        parts_.sink.known_blocks({question.stream, question.from, question.to, question.hashes});
    if (!known) return tl::unexpected(known.error());
    watch.remember(question.stream, *known);
  }
  for (auto& block : blocks_) {
    if (block.head.lane != model::Lane::kAudit) continue;
    const auto verdict = watch.judge(block);
    if (verdict == ChainWatch::Verdict::kNew) continue;
    const bool forked = verdict == ChainWatch::Verdict::kFork;
    if (!block.bytes.empty())
      IngestCounters::add(forked ? parts_.counters.audit_forks : parts_.counters.audit_repeats);
    // Not to be kept (again). The records of a repeat go to the ledger, which counts them as duplicates.
    block.bytes.clear();
    if (!forked) continue;
    records_ -= std::min(records_, block.records.size());
    block.records.clear();
  }
  auto changes = watch.finish();
  for (const auto& [stream, chain] : changes.epochs) touched_.insert(stream);
  return changes;
}

Result<void> Ingest::look_for_gaps() {
  if (!present_) return {};
  ChainWatch watch(parts_.sink.audit(), parts_.clock.now());
  watch.look_for_gaps([this](const MachineId& machine) -> std::optional<UnixNanos> {
    const auto since = present_(machine);
    if (!since) return std::nullopt;
    return std::max(*since, held_up_);
  });
  const auto changes = watch.finish();
  if (changes.empty()) return {};
  const auto done = parts_.sink.commit_audited({}, changes);
  if (!done) return tl::unexpected(done.error());
  tell(changes);
  for (const auto& [stream, chain] : changes.epochs) send_receipt(stream);
  return {};
}

Result<void> Ingest::note_old_copies(const std::vector<Presence::OldCopy>& copies) {
  if (copies.empty()) return {};
  ChainWatch watch(parts_.sink.audit(), parts_.clock.now());
  for (const auto& copy : copies)
    watch.take_start({copy.machine_id, model::Lane::kAudit, copy.epoch}, copy.rack, copy.before, copy.known);
  const auto changes = watch.finish();
  const auto done = parts_.sink.commit_audited({}, changes);
  if (!done) return tl::unexpected(done.error());
  tell(changes);
  return {};
}

void Ingest::answer_decisions() {
  if (parts_.decisions == nullptr) return;
  while (const auto open = parts_.decisions->take())
    parts_.decisions->answer(open, take_decision(open->decision));
}

Result<void> Ingest::take_decision(const Decision& decision) {
  const auto changes = decide(decision, parts_.sink.audit(), parts_.clock.now());
  if (!changes) return tl::unexpected(changes.error());
  const auto done = parts_.sink.commit_audited({}, *changes);
  if (!done) return tl::unexpected(done.error());
  for (const auto& action : changes->actions)
    parts_.diagnostics.warn("mixer.operator", action.action,
                            {{"who", action.who},
                             {"reason", action.reason},
                             {"alarm", action.alarm == 0 ? "" : std::to_string(action.alarm)},
                             {"detail", action.detail}});
  count_alarms(parts_.sink.audit().next_alarm);
  return {};
}

void Ingest::tell(const sink::AuditChanges& changes) {
  for (const auto& alarm : changes.alarms) {
    const bool notice = sink::is_notice(alarm.kind);
    const bool fresh = notice || (alarm.count == 1 && !alarm.resolved);
    if (!fresh && !alarm.resolved) continue;
    if (fresh) IngestCounters::add(notice ? parts_.counters.losses_declared : parts_.counters.alarms_raised);
    const std::string what =
        alarm.resolved && !notice ? "an alarm of the audit chain has ended: " : "audit chain: ";
    const auto severity = notice ? Severity::kWarn : alarm.resolved ? Severity::kInfo : Severity::kError;
    parts_.diagnostics.line(severity, "mixer.audit", what + alarm.what,
                            {{"kind", std::string(to_string(alarm.kind))},
                             {"rack", alarm.rack},
                             {"machine_id", to_string(alarm.stream.machine_id)},
                             {"epoch", std::to_string(alarm.stream.epoch.value)},
                             {"record", std::to_string(alarm.first.value)},
                             {"alarm", std::to_string(alarm.id)}});
  }
  count_alarms(parts_.sink.audit().next_alarm);
}

void Ingest::count_alarms(std::uint64_t next_before) {
  IngestCounters::add(parts_.counters.alarms_raised, parts_.sink.audit().next_alarm - next_before);
  const auto& open = parts_.sink.audit().open;
  parts_.counters.alarms_open.store(
      static_cast<std::uint64_t>(std::count_if(
          open.begin(), open.end(), [](const auto& one) { return !sink::is_notice(one.second.kind); })),
      std::memory_order_relaxed);
}

}  // namespace fluxrig::mixer
