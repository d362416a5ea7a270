#include "mixer/decision.hpp"

#include <algorithm>

#include "base/bytes.hpp"

namespace fluxrig::mixer {
namespace {

sink::OperatorAction action_of(const Decision& decision, std::string_view name, UnixNanos now) {
  sink::OperatorAction action;
  action.action = name;
  action.time = now;
  action.who = decision.who;
  action.reason = decision.reason;
  return action;
}

// Ends it in `changes`, and says who did.
void close(const sink::AuditAlarm& alarm, sink::OperatorAction action, sink::AuditChanges& changes) {
  auto& ended = changes.alarms.emplace_back(alarm);
  ended.resolved = action.time;
  ended.closed = true;
  action.machine_id = alarm.stream.machine_id;
  action.alarm = alarm.id;
  changes.actions.push_back(std::move(action));
}

}  // namespace

Result<sink::AuditChanges> decide(const Decision& decision, const sink::AuditState& state, UnixNanos now) {
  sink::AuditChanges changes;
  if (const auto* note = std::get_if<NoteAction>(&decision.what)) {
    auto action = action_of(decision, note->action, now);
    action.detail = note->detail;
    changes.actions.push_back(std::move(action));
    return changes;
  }
  if (const auto* one = std::get_if<CloseAlarm>(&decision.what)) {
    const auto open = state.open.find(one->alarm);
    if (open == state.open.end()) return fail(ErrorCode::kNotFound, "no alarm of this number is open");
    close(open->second, action_of(decision, "alarm_closed", now), changes);
    return changes;
  }
  const auto& accepted = std::get<AcceptKey>(decision.what);
  for (const auto id : accepted.alarms) {
    const auto open = state.open.find(id);
    if (open == state.open.end()) continue;  // it ended meanwhile
    auto action = action_of(decision, "key_accepted", now);
    action.detail = to_hex(accepted.key);
    close(open->second, std::move(action), changes);
  }
  if (changes.alarms.empty()) return fail(ErrorCode::kNotFound, "no alarm of this number is open");
  changes.keys[accepted.place] = {accepted.key, now};
  return changes;
}

Result<void> DecisionDesk::submit(Decision decision, std::chrono::milliseconds patience) {
  const auto open = std::make_shared<Open>();
  open->decision = std::move(decision);
  std::unique_lock lock(mutex_);
  if (closed_) return fail(ErrorCode::kUnavailable, "the mixer is ending");
  if (waiting_.size() >= kMaxWaiting) return fail(ErrorCode::kFull, "too many decisions wait already");
  waiting_.push_back(open);
  if (answered_.wait_for(lock, patience, [&] { return open->answered; })) return open->answer;
  std::erase(waiting_, open);
  return fail(ErrorCode::kTimeout, "the store is busy or does not take writes");
}

std::shared_ptr<DecisionDesk::Open> DecisionDesk::take() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return nullptr;
  auto open = std::move(waiting_.front());
  waiting_.pop_front();
  return open;
}

void DecisionDesk::answer(const std::shared_ptr<Open>& open, Result<void> result) {
  {
    const std::lock_guard lock(mutex_);
    open->answer = result;
    open->answered = true;
  }
  answered_.notify_all();
}

void DecisionDesk::close() {
  std::deque<std::shared_ptr<Open>> left;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    left.swap(waiting_);
  }
  for (const auto& open : left) answer(open, fail(ErrorCode::kUnavailable, "the mixer is ending"));
}

}  // namespace fluxrig::mixer
