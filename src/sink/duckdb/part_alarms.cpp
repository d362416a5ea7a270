#include "sink/duckdb/part_alarms.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fluxrig::sink {
namespace {

std::string beginning(const std::string& path) { return fmt::format("the Parquet file {} ", path); }

std::string_view ending(FileState state) {
  switch (state) {
    case FileState::kMissing:
      return "is missing";
    case FileState::kUnreadable:
      return "cannot be read";
    default:
      return "is not what was written: its SHA-256 differs";
  }
}

}  // namespace

AuditChanges alarms_of(std::span<const PartCheck> checks, const AuditState& state, UnixNanos now) {
  std::map<std::uint64_t, AuditAlarm> open;  // of the store, with what this call makes of them
  for (const auto& [id, alarm] : state.open)
    if (alarm.stream == StreamKey{} && alarm.kind == AlarmKind::kAlteration) open.emplace(id, alarm);
  std::map<std::uint64_t, AuditAlarm> changed;
  auto next = state.next_alarm;
  for (const auto& check : checks) {
    const auto name = beginning(check.path);
    auto same = std::find_if(open.begin(), open.end(),
                             [&](const auto& one) { return one.second.what.starts_with(name); });
    if (check.state == FileState::kGood || check.state == FileState::kUnhashed) {
      if (same == open.end()) continue;
      same->second.resolved = now;
      changed[same->first] = same->second;
      open.erase(same);
      continue;
    }
    const auto what = name + std::string(ending(check.state));
    const bool closed = std::any_of(state.closed.begin(), state.closed.end(), [&](const auto& one) {
      return one.second.stream == StreamKey{} && one.second.what == what;
    });
    if (closed) continue;
    if (same == open.end() && open.size() >= kMostOpenPartAlarms) same = std::prev(open.end());
    if (same == open.end()) {
      AuditAlarm alarm;
      alarm.id = next++;
      alarm.kind = AlarmKind::kAlteration;
      alarm.what = what;
      alarm.raised = now;
      alarm.count = 0;
      same = open.emplace(alarm.id, std::move(alarm)).first;
    }
    ++same->second.count;
    same->second.latest = now;
    changed[same->first] = same->second;
  }
  AuditChanges changes;
  for (auto& [id, alarm] : changed) changes.alarms.push_back(std::move(alarm));
  return changes;
}

}  // namespace fluxrig::sink
