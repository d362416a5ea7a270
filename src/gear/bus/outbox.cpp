#include "gear/bus/outbox.hpp"

#include <algorithm>
#include <utility>

#include "gear/bus/spool_entry.hpp"

namespace fluxrig::gear::bus {

Outcome<std::unique_ptr<Outbox>> Outbox::open(const Setup& setup) {
  auto spool = lane::Spool::open(setup.spool);
  if (!spool) return tl::unexpected(spool.error());
  const auto& found = (*spool)->found();
  auto& diagnostics = setup.services.diagnostics();
  if (found.messages != 0)
    diagnostics.info("spool", "messages of the last run wait for the bus and are sent first",
                     {{"gear", setup.gear}, {"messages", std::to_string(found.messages)}});
  if (found.cut_bytes != 0)
    diagnostics.warn("spool", "a run ended inside a write; the spool's unfinished tail was cut",
                     {{"gear", setup.gear}, {"bytes", std::to_string(found.cut_bytes)}});
  if (found.receipts_damaged)
    diagnostics.warn("spool", "the spool's receipts cannot be read: all its messages are sent again",
                     {{"gear", setup.gear}});
  return std::make_unique<Outbox>(setup, *std::move(spool));
}

Outbox::Outbox(const Setup& setup, std::unique_ptr<lane::Spool> spool)
    : setup_(setup),
      diagnostics_(setup.services.diagnostics()),
      random_(setup.services.random().next()),
      spool_(std::move(spool)),
      drain_(*spool_, random_, {.window = setup.window}) {
  shared_->waiting.store(spool_->waiting());
  worker_ = setup.services.employ(*this, "spool");
  const std::lock_guard lock(shared_->mutex);
  shared_->worker = worker_.get();
  shared_->wake();  // answers may have come to its first turn before it could be woken
}

Outbox::~Outbox() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->worker = nullptr;
  }
  worker_.reset();
  if (const auto closed = spool_->close(); !closed)
    diagnostics_.warn("spool", "the spool was not closed cleanly; the next start recovers it",
                      {{"gear", setup_.gear}, {"cause", to_string(closed.error())}});
}

void Outbox::keep(const snake::Outgoing& message, Kept done) {
  Request request{encode_spool_entry(message), std::move(done)};
  shared_->waiting.fetch_add(1);
  const std::lock_guard lock(shared_->mutex);
  shared_->requests.push_back(std::move(request));
  shared_->wake();
}

void Outbox::pause() {
  const std::lock_guard lock(shared_->mutex);
  shared_->paused = true;
  shared_->wake();
}

std::optional<std::chrono::nanoseconds> Outbox::turn() {
  std::vector<Request> requests;
  std::vector<Answer> answers;
  {
    const std::lock_guard lock(shared_->mutex);
    requests.swap(shared_->requests);
    answers.swap(shared_->answers);
    publishing_ = !shared_->paused;
  }
  keep_all(std::move(requests));
  take_answers(answers);
  publish();
  keep_house();
  report();
  return rest();
}

// One sync for all that came together; nobody hears of success before it.
void Outbox::keep_all(std::vector<Request> requests) {
  if (requests.empty() && !unsynced_) return;
  std::vector<Result<void>> results;
  for (const auto& request : requests) {
    const auto appended = spool_->append(request.record);
    results.push_back(appended ? Result<void>{} : tl::unexpected(appended.error()));
    if (!appended) shared_->waiting.fetch_sub(1);
  }
  const auto synced = spool_->sync();
  unsynced_ = !synced;
  if (disk_failing_ != unsynced_) {
    disk_failing_ = unsynced_;
    if (disk_failing_)
      diagnostics_.error("spool", "the spool cannot be written: messages are refused while the bus is away",
                         {{"directory", spool_->directory()}, {"cause", to_string(synced.error())}});
    else
      diagnostics_.info("spool", "the spool can be written again", {{"gear", setup_.gear}});
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (results[i] && !synced)
      results[i] = fail(ErrorCode::kTimeout, "the spool's disk failed", synced.error().os_error);
    requests[i].done(results[i]);
  }
}

void Outbox::take_answers(const std::vector<Answer>& answers) {
  for (const auto& answer : answers) {
    if (answer.receipt) {
      drain_.stored(answer.position);
      ++stored_;
      shared_->waiting.fetch_sub(1);
    } else {
      drain_.failed(answer.receipt.error(), setup_.spool.clock.monotonic());
    }
  }
}

void Outbox::publish() {
  while (publishing_ && setup_.bus.connected()) {
    // What was in flight on another connection may be lost: nothing goes before it on this one.
    const auto session = setup_.bus.session();
    if (drain_.in_flight() > 0 && session != session_) return;
    session_ = session;
    const auto item = drain_.next(setup_.spool.clock.monotonic());
    if (!item) {
      diagnostics_.warn("spool", "the spool cannot be read",
                        {{"directory", spool_->directory()}, {"cause", to_string(item.error())}});
      return;
    }
    if (!*item) return;
    const auto sent = publish(**item);
    if (sent) continue;
    drain_.failed(sent.error(), setup_.spool.clock.monotonic());
    return;
  }
}

Result<void> Outbox::publish(const lane::Spool::Item& item) {
  auto message = decode_spool_entry(item.record);
  if (!message) return tl::unexpected(message.error());
  return setup_.bus.publish_stream(*std::move(message), [shared = shared_, position = item.position](
                                                            Result<snake::PublishReceipt> receipt) {
    const std::lock_guard lock(shared->mutex);
    shared->answers.push_back({position, receipt});
    shared->wake();
  });
}

void Outbox::keep_house() {
  const auto now = setup_.spool.clock.monotonic();
  const bool due = now.value - stored_at_.value >= kStoreEvery || spool_->waiting() == 0;
  if (!spool_->has_house_work() || !due) return;
  stored_at_ = now;
  if (const auto kept = spool_->keep_house(); !kept)
    diagnostics_.warn("spool", "cannot note what the stream has; it may be sent again",
                      {{"directory", spool_->directory()}, {"cause", to_string(kept.error())}});
}

void Outbox::report() {
  const auto& trouble = drain_.trouble();
  if (trouble && !told_of_trouble_ && setup_.bus.connected()) {
    told_of_trouble_ = true;
    diagnostics_.warn("spool", "the bus does not take the spool's messages; trying until it does",
                      {{"gear", setup_.gear}, {"cause", to_string(*trouble)}});
  }
  if (!trouble) told_of_trouble_ = false;
  if (spool_->damaged_places() > told_damage_) {
    told_damage_ = spool_->damaged_places();
    diagnostics_.error(
        "spool", "a part of the spool is damaged and its messages are lost; 'fluxrig wal verify' says where",
        {{"directory", spool_->directory()}});
  }
  if (stored_ != 0 && spool_->waiting() == 0) {
    diagnostics_.info("spool", "the spool is empty: all its messages are in the stream",
                      {{"gear", setup_.gear}, {"messages", std::to_string(stored_)}});
    stored_ = 0;
  }
}

// Without a deadline when nothing waits.
std::optional<std::chrono::nanoseconds> Outbox::rest() const {
  const bool house_work = spool_->has_house_work();
  const bool idle = spool_->waiting() == 0 && !unsynced_ && !house_work;
  const bool only_answers = drain_.in_flight() >= drain_.window() && !house_work && !unsynced_;
  if (idle || only_answers || (!publishing_ && !unsynced_ && !house_work)) return std::nullopt;
  std::int64_t pause = unsynced_ ? kRetrySync : kPoll;
  if (house_work) pause = std::min(pause, kStoreEvery);
  return std::chrono::nanoseconds(pause);
}

}  // namespace fluxrig::gear::bus
