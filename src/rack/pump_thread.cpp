#include "rack/pump_thread.hpp"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace fluxrig::rack {

void PumpThread::start() {
  anchored_at_ = parts_.clock.monotonic();
  metrics_at_ = anchored_at_;
  ledger_at_ = anchored_at_;
  helper_.emplace([this] { parts_.bell.ring(); });
  parts_.audit.work_beside(&*helper_);
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "pump");
}

void PumpThread::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true, std::memory_order_release);
  parts_.bell.ring();
  thread_.join();
}

void PumpThread::set_sampling(const tap::Sampling& sampling) {
  const std::lock_guard lock(mutex_);
  sampling_ = sampling;
}

void PumpThread::run() {
  // The acquire load pairs with the release store in stop().
  while (!stopping_.load(std::memory_order_acquire)) turn();
  finish();
}

void PumpThread::turn() {
  {
    const std::lock_guard lock(mutex_);
    if (sampling_) parts_.pump.set_sampling(*std::exchange(sampling_, std::nullopt));
  }
  const MonotonicNanos now = parts_.clock.monotonic();
  if (now.value - anchored_at_.value >= kAnchorEvery) {
    anchored_at_ = now;
    parts_.ticks.anchor();
  }
  const bool commit = parts_.durability == Durability::kCommit;
  const auto progress = parts_.pump.step(commit);
  note(progress);
  if (!commit && !progress.blocked && parts_.pump.unsynced()) gather();
  if (commit && !progress.blocked) sync_unawaited();
  publish();
  emit_when_due();
  state_when_due();
  // Under load as well: receipts that wait for a quiet moment would let the directory fill up.
  const bool more = parts_.audit.housekeep();
  note_reserve();
  const bool news = parts_.audit.take_news();
  if (progress.records != 0 || news) parts_.worked();
  if (progress.records != 0) return;
  rest(!more);
}

// With `interval`, what comes within half of it shares one sync; the other half is for the sync itself, so
// that replies need not wait (LossWindow). In short steps: a kill takes only what is not yet appended, and
// the ring does not fill up meanwhile.
void PumpThread::gather() {
  const std::int64_t end = parts_.clock.monotonic().value + parts_.interval.count() * kNanosPerMilli / 2;
  for (std::int64_t left = end - parts_.clock.monotonic().value;
       left > 0 && !stopping_.load(std::memory_order_acquire); left = end - parts_.clock.monotonic().value) {
    if (!parts_.pump.has_work())
      std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(left, kGatherStep)));
    const auto progress = parts_.pump.step(false);
    note(progress);
    if (progress.blocked) return;
  }
  if (const auto synced = parts_.pump.sync(); !synced)
    note({.records = 0, .blocked = true, .error = synced.error()});
}

// Intents that nobody waits for share the sync of those that somebody does; without any, they get their own
// after the interval.
void PumpThread::sync_unawaited() {
  if (!parts_.pump.unsynced()) {
    unsynced_since_.reset();
    return;
  }
  const MonotonicNanos now = parts_.clock.monotonic();
  if (!unsynced_since_) unsynced_since_ = now;
  if (now.value - unsynced_since_->value < parts_.interval.count() * kNanosPerMilli) return;
  unsynced_since_.reset();
  if (const auto synced = parts_.pump.sync(); !synced)
    note({.records = 0, .blocked = true, .error = synced.error()});
}

// On the reserve everything still goes on, except new work: what is accepted must find its room.
void PumpThread::note_reserve() {
  const bool on_reserve = parts_.refuse_on_reserve && parts_.audit.on_reserve();
  if (on_reserve == on_reserve_) return;
  on_reserve_ = on_reserve;
  parts_.admission.audit_blocked.store(blocked_ || on_reserve_, std::memory_order_relaxed);
  if (on_reserve_)
    parts_.diagnostics.error(
        "wal", "the disk is full: new work is refused, accepted work goes into the reserve; free space",
        {{"directory", parts_.audit.writer().directory()}});
  else
    parts_.diagnostics.info("wal", "the disk has space again: new work is accepted");
}

void PumpThread::publish() {
  if (parts_.pump.durable() == published_) return;
  published_ = parts_.pump.durable();
  parts_.durable(published_);
}

void PumpThread::note(const tap::Pump::Progress& progress) {
  if (progress.blocked == blocked_) return;
  blocked_ = progress.blocked;
  parts_.admission.audit_blocked.store(blocked_ || on_reserve_, std::memory_order_relaxed);
  if (blocked_) {
    parts_.diagnostics.error(
        "wal",
        "the audit log cannot be written: new work is refused until it can; free space, or repair the disk",
        {{"directory", parts_.audit.writer().directory()}, {"cause", to_string(progress.error)}});
  } else {
    parts_.diagnostics.info("wal", "the audit log can be written again: new work is accepted");
  }
}

void PumpThread::emit_when_due() {
  const MonotonicNanos now = parts_.clock.monotonic();
  if (now.value - metrics_at_.value < parts_.metrics_interval.count() * kNanosPerMilli) return;
  metrics_at_ = now;
  parts_.emit_metrics(parts_.pump);
  parts_.worked();
}

// Not needed to the second: nobody is woken for it.
void PumpThread::state_when_due() {
  const MonotonicNanos now = parts_.clock.monotonic();
  if (now.value - ledger_at_.value < kLookAtLedgerEvery) return;
  ledger_at_ = now;
  (void)parts_.state_ledger(lane::TelemetryLedger::Occasion::kRunning);  // the rest the next time
}

// The next metrics; sooner while something is unsigned, or waits for the disk.
std::chrono::milliseconds PumpThread::until_due() const {
  std::int64_t due = metrics_at_.value + parts_.metrics_interval.count() * kNanosPerMilli;
  if (const auto audit = parts_.audit.due()) due = std::min(due, audit->value);
  const std::int64_t left = (due - parts_.clock.monotonic().value) / kNanosPerMilli + 1;
  return std::chrono::milliseconds(left < 1 ? 1 : left);
}

// `idle`: nothing is left to do but to wait for records, receipts or the next metrics.
void PumpThread::rest(bool idle) {
  if (blocked_) {
    std::this_thread::sleep_for(std::chrono::nanoseconds(kRetryBlocked));
    return;
  }
  if (!idle) return;
  if (lingers_ && linger()) return;
  parts_.bell.about_to_sleep();
  if (parts_.pump.has_work() || stopping_.load(std::memory_order_acquire)) {
    parts_.bell.stay_awake();
    return;
  }
  const MonotonicNanos before = parts_.clock.monotonic();
  parts_.bell.sleep(unsynced_since_ ? std::min(parts_.interval, until_due()) : until_due());
  lingers_ = parts_.pump.has_work() && parts_.clock.monotonic().value - before.value < kLinger;
}

// One caller that asks again as soon as it is answered is back before a sleep would pay: to be woken takes
// longer than to wait. True: there is work. False: none came, and the next rest sleeps at once.
bool PumpThread::linger() {
  const std::int64_t end = parts_.clock.monotonic().value + kLinger;
  do {
    if (parts_.pump.has_work() || stopping_.load(std::memory_order_acquire)) return true;
    std::this_thread::yield();
  } while (parts_.clock.monotonic().value < end);
  lingers_ = false;
  return false;
}

void PumpThread::finish() {
  const std::int64_t give_up = parts_.clock.monotonic().value + kLastTry;
  drain(give_up);
  parts_.emit_metrics(parts_.pump);
  // Nothing is produced any more: what the ledger says now is the whole of this epoch.
  while (!parts_.state_ledger(lane::TelemetryLedger::Occasion::kLast) &&
         parts_.clock.monotonic().value < give_up)
    drain(give_up);
  drain(give_up);
  parts_.audit.close();
  parts_.audit.work_beside(nullptr);
  helper_.reset();
}

void PumpThread::drain(std::int64_t give_up) {
  while (true) {
    auto progress = parts_.pump.step(true);
    if (!progress.blocked && parts_.pump.unsynced())
      if (const auto synced = parts_.pump.sync(); !synced)
        progress = {.records = progress.records, .blocked = true, .error = synced.error()};
    note(progress);
    publish();
    if (progress.blocked) {
      if (parts_.clock.monotonic().value >= give_up) return;
      std::this_thread::sleep_for(std::chrono::nanoseconds(kRetryBlocked));
    } else if (!parts_.pump.has_work()) {
      return;
    }
  }
}

}  // namespace fluxrig::rack
