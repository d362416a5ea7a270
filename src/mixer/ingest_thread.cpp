#include "mixer/ingest_thread.hpp"

#include <algorithm>
#include <utility>

#include "mixer/span_intake.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::int64_t kPresenceEvery = kNanosPerSecond;
constexpr std::int64_t kGapsEvery = 2 * kNanosPerSecond;
constexpr std::int64_t kHouseEvery = 5 * kNanosPerSecond;          // when idle
constexpr std::int64_t kHouseAtLeastEvery = 60 * kNanosPerSecond;  // when busy

}  // namespace

IngestThread::IngestThread(Ingest::Parts parts, Presence& presence, std::vector<IngestSource> sources,
                           IngestPace pace, StoredObserver observer, BlockTaker taker)
    : parts_(parts),
      presence_(presence),
      sources_(std::move(sources)),
      pace_(pace),
      ingest_(parts, IngestLimits{}) {
  ingest_.observe(std::move(observer));
  ingest_.hand_on(std::move(taker));
  ingest_.watch_presence(
      [this](const MachineId& machine) { return presence_.present_since(machine, parts_.clock.now()); });
  ingest_.was_held_up();  // the streams may be full of what came while there was no mixer
  thread_ = std::thread([this] { run(); });
}

IngestThread::~IngestThread() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void IngestThread::request_receipts(const MachineId& machine) {
  const std::lock_guard lock(mutex_);
  receipt_requests_.insert(machine);
}

bool IngestThread::stopping() {
  const std::lock_guard lock(mutex_);
  return stop_;
}

bool IngestThread::pause(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, time, [this] { return stop_; });
}

void IngestThread::run() {
  bool idle = true;
  while (!stopping()) {
    const bool was_empty = ingest_.empty();
    const std::size_t pulled = ingest_.full() ? 0 : pull_all(idle && was_empty);
    idle = pulled == 0;
    if (was_empty) batch_began_ = parts_.clock.monotonic();
    answer_receipt_requests();
    ingest_.answer_decisions();
    const auto age = parts_.clock.monotonic().value - batch_began_.value;
    if (!ingest_.empty() && (ingest_.full() || age >= pace_.oldest.count() * kNanosPerMilli)) commit_batch();
    if (parts_.received != nullptr) parts_.received->commit(parts_.sink);
    keep_house(idle && ingest_.empty());
  }
  if (parts_.received != nullptr) parts_.received->close();
  // Drain: what is pulled is stored and acknowledged. If the store still fails, the stream delivers it again.
  if (const auto done = ingest_.flush(); !done)
    parts_.diagnostics.warn("mixer.ingest",
                            "the last batch was not stored; it is delivered again after the start",
                            {{"why", to_string(done.error())}});
}

std::size_t IngestThread::pull_all(bool idle) {
  std::size_t pulled = 0;
  bool answered = true;
  for (auto& source : sources_) {
    if (ingest_.full()) break;
    const auto wait = idle && pulled == 0 ? pace_.idle_wait : std::chrono::milliseconds(10);
    auto messages = source.pull(pace_.messages_per_pull, wait);
    if (!messages) {
      if (parts_.counters.pulling.exchange(false, std::memory_order_relaxed))
        parts_.diagnostics.warn("mixer.ingest", "a stream does not answer; trying again",
                                {{"why", to_string(messages.error())}});
      answered = false;
      ingest_.was_held_up();
      continue;
    }
    for (auto& message : *messages) ingest_.add(std::move(message), source.lane);
    pulled += messages->size();
  }
  if (answered)
    parts_.counters.pulling.store(true, std::memory_order_relaxed);
  else if (pulled == 0)
    (void)pause(pace_.first_backoff);  // a failing pull may fail at once: do not spin
  return pulled;
}

void IngestThread::commit_batch() {
  const auto done = ingest_.flush();
  if (done) {
    if (backoff_.count() != 0) parts_.diagnostics.info("mixer.ingest", "the store takes writes again");
    backoff_ = std::chrono::milliseconds(0);
    return;
  }
  backoff_ = std::clamp(backoff_ * 2, pace_.first_backoff, pace_.longest_backoff);
  parts_.diagnostics.error("mixer.ingest",
                           "the store refused a commit; nothing was acknowledged, trying again",
                           {{"why", to_string(done.error())}, {"in_ms", std::to_string(backoff_.count())}});
  (void)pause(backoff_);
}

void IngestThread::answer_receipt_requests() {
  std::set<MachineId> requests;
  {
    const std::lock_guard lock(mutex_);
    requests.swap(receipt_requests_);
  }
  for (const auto& machine : requests) ingest_.send_receipts(machine);
}

void IngestThread::keep_house(bool idle) {
  const auto now = parts_.clock.monotonic();
  if (now.value - presence_at_.value >= kPresenceEvery) {
    presence_at_ = now;
    auto old_copies = presence_.take_old_copies();
    if (const auto done = ingest_.note_old_copies(old_copies); !done) {
      parts_.diagnostics.warn("mixer.ingest", "an alarm of the audit chain was not stored; trying again",
                              {{"why", to_string(done.error())}});
      presence_.give_back(std::move(old_copies));
    }
    for (const auto& presence : presence_.take_due(parts_.clock.now()))
      if (const auto done = parts_.sink.remember(presence); !done)
        parts_.diagnostics.warn("mixer.ingest", "the presence of a rack was not stored",
                                {{"rack", presence.rack}, {"why", to_string(done.error())}});
  }
  if (now.value - gaps_at_.value >= kGapsEvery) {
    gaps_at_ = now;
    if (const auto done = ingest_.look_for_gaps(); !done)
      parts_.diagnostics.warn("mixer.ingest", "alarms of the audit chain were not stored; trying again",
                              {{"why", to_string(done.error())}});
  }
  const auto since = now.value - house_at_.value;
  if (!(idle && (more_house_ || since >= kHouseEvery)) && since < kHouseAtLeastEvery) return;
  house_at_ = now;
  const auto next_alarm = parts_.sink.audit().next_alarm;
  const auto more = parts_.sink.maintain(parts_.clock.now());
  ingest_.count_alarms(next_alarm);
  more_house_ = more && *more;
  if (!more)
    parts_.diagnostics.warn("mixer.ingest", "housekeeping of the store failed; trying again later",
                            {{"why", to_string(more.error())}});
}

}  // namespace fluxrig::mixer
