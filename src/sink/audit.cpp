#include "sink/audit.hpp"

#include <algorithm>
#include <array>

#include "sink/sink.hpp"

namespace fluxrig::sink {
namespace {
constexpr std::array<std::string_view, 7> kNames{"gap",           "fork",        "rollback",     "alteration",
                                                 "bad_signature", "key_changed", "declared_loss"};
}

std::string_view to_string(AlarmKind kind) noexcept { return kNames[static_cast<std::size_t>(kind)]; }

std::optional<AlarmKind> parse_alarm_kind(std::string_view text) noexcept {
  const auto found = std::find(kNames.begin(), kNames.end(), text);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<AlarmKind>(found - kNames.begin());
}

const AuditKey* key_for(const AuditKeys& keys, const MachineId& machine, Epoch epoch) {
  const auto after = keys.upper_bound({machine, epoch});
  if (after == keys.begin()) return nullptr;
  const auto found = std::prev(after);
  return found->first.machine_id == machine ? &found->second : nullptr;
}

void apply(const AuditChanges& changes, AuditState& state) {
  for (const auto& [key, chain] : changes.epochs) state.epochs[key] = chain;
  for (const auto& [place, key] : changes.keys) state.keys[place] = key;
  for (const auto& alarm : changes.alarms) {
    if (alarm.resolved)
      state.open.erase(alarm.id);
    else
      state.open[alarm.id] = alarm;
    if (alarm.closed && is_standing(alarm.kind)) state.closed[alarm.id] = alarm;
    state.next_alarm = std::max(state.next_alarm, alarm.id + 1);
  }
}

Result<CommitSummary> Sink::commit_audited(std::span<const IncomingBlock> blocks, const AuditChanges&) {
  return commit(blocks);
}

const AuditState& Sink::audit() const noexcept {
  static const AuditState kNothing;
  return kNothing;
}

std::string_view to_string(FileState state) noexcept {
  constexpr std::array<std::string_view, 5> kStates{"good", "altered", "missing", "unreadable", "unhashed"};
  return kStates[static_cast<std::size_t>(state)];
}

Outcome<QueryTable> Queries::select_near(const Nearby&, std::string_view sql,
                                         std::span<const std::string> parameters, const QueryLimits& limits) {
  return select(sql, parameters, limits);
}

Outcome<CheckedFiles> Queries::check_files(std::uint64_t) { return CheckedFiles{}; }

Result<std::vector<KnownBlock>> Sink::known_blocks(const KnownQuestion&) { return std::vector<KnownBlock>{}; }

Result<void> Sink::store_received(const ReceivedSpans&) {
  return fail(ErrorCode::kUnsupported, "this store takes no spans of services");
}

}  // namespace fluxrig::sink
