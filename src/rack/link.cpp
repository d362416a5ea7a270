#include "rack/link.hpp"

#include <algorithm>

#include "model/block.hpp"
#include "rack/link_shared.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::rack {

// What earlier runs left is backlog; the first connection divides anew.
Link::Link(Parts parts)
    : parts_(std::move(parts)),
      shared_(std::make_shared<Shared>()),
      live_({parts_.disk, parts_.audit_directory, parts_.durable, parts_.receipts,
             [this](const wal::Damage& damage) { note_damage(damage); }},
            {{parts_.hello.epoch, {1}}}),
      backlog_({parts_.disk, parts_.audit_directory, parts_.durable, parts_.receipts,
                [this](const wal::Damage& damage) { note_damage(damage); }},
               {{}, AuditShipper::Position{parts_.hello.epoch, {1}}}) {
  shared_->wake = parts_.wake;
}

Link::~Link() {
  receipts_subscription_.reset();
  // Callbacks of publishes that are still in flight find nobody to wake.
  const std::lock_guard lock(shared_->mutex);
  shared_->wake = [] {};
}

void Link::work_arrived() noexcept { shared_->ring(); }

void Link::resend_chain() noexcept {
  resend_chain_.store(true, std::memory_order_release);
  shared_->ring();
}

bool Link::has_news() const noexcept {
  return shared_->news.load(std::memory_order_acquire) ||
         parts_.connection_changed.load(std::memory_order_acquire);
}

void Link::turn(bool flush_telemetry) {
  shared_->news.store(false, std::memory_order_release);
  const bool changed = parts_.connection_changed.exchange(false, std::memory_order_acq_rel);
  if (changed) welcomed_ = false;
  settle_answers();
  if (!parts_.bus.connected()) return;
  if (changed) divide(AuditShipper::Round::kReceipts);
  if (receipts_subscription_ == nullptr) {
    auto subscription = parts_.bus.subscribe(
        snake::receipt_subject(parts_.machine_id),
        [shared = shared_](snake::Delivery delivery) { shared->take(delivery.payload); });
    if (subscription) receipts_subscription_ = *std::move(subscription);
  }
  if (!welcomed_) say_hello();
  take_receipts();
  send_heartbeat();
  repair_audit();
  ship_audit();
  ship_telemetry(flush_telemetry);
}

std::int64_t Link::next_due() const {
  std::int64_t due = heartbeat_at_ + kHeartbeatEvery;
  if (!welcomed_) due = std::min(due, hello_at_ + kHelloEvery);
  if (const auto ready = parts_.telemetry.next_ready()) due = std::min(due, ready->value);
  for (const auto* stretch : {&live_, &backlog_})
    if (const auto again = stretch->due()) due = std::min(due, again->value);
  if (telemetry_retry_at_ > parts_.clock.monotonic().value) due = std::min(due, telemetry_retry_at_);
  return due;
}

bool Link::settled() const {
  return live_.settled() && backlog_.settled() && parts_.telemetry.queued_bytes() == 0 &&
         shared_->in_flight() == 0 && !shared_->telemetry_waits();
}

void Link::say_hello() {
  const std::int64_t now = parts_.clock.monotonic().value;
  if (hello_at_ != 0 && now - hello_at_ < kHelloEvery) return;
  hello_at_ = now;
  Bytes request;
  model::encode(parts_.hello, request);
  const auto answer = parts_.bus.request(snake::hello_subject(parts_.machine_id), request, kHelloTimeout);
  if (!answer) return;  // no mixer yet; the rack serves without it
  const auto reply = model::decode_hello_reply(*answer);
  if (!reply) {
    parts_.diagnostics.warn("snake", "the mixer's answer to the hello is not readable",
                            {{"cause", to_string(reply.error())}});
    return;
  }
  if (!reply->error.empty()) {
    parts_.diagnostics.error("snake", "the mixer does not accept this rack", {{"cause", reply->error}});
    return;
  }
  welcomed_ = true;
  counters_.hellos.fetch_add(1, std::memory_order_relaxed);
  parts_.diagnostics.info("snake", "the mixer welcomed this rack");
}

void Link::send_heartbeat() {
  const std::int64_t now = parts_.clock.monotonic().value;
  if (heartbeat_at_ != 0 && now - heartbeat_at_ < kHeartbeatEvery) return;
  heartbeat_at_ = now;
  Bytes bytes;
  model::encode(model::Heartbeat{parts_.hello.epoch, parts_.status_json()}, bytes);
  // At most once by its nature: the next one follows.
  (void)parts_.bus.publish(snake::heartbeat_subject(parts_.machine_id), bytes);
}

void Link::take_receipts() {
  for (const auto& receipt : shared_->receipts()) {
    if (receipt.lane != model::Lane::kAudit) continue;
    for (const auto& [first, last] : receipt.ranges)
      // One that is refused here costs a second sending, nothing else.
      (void)parts_.receipts.add(receipt.epoch, {first, last});
    if (receipt.chain)
      (void)parts_.receipts.set_chain(receipt.epoch, {receipt.chain->next, receipt.chain->hash});
    parts_.on_receipt(receipt);
  }
  counters_.audit_records_receipted.fetch_add(live_.forget_receipted() + backlog_.forget_receipted(),
                                              std::memory_order_relaxed);
}

void Link::ship_telemetry(bool flush) {
  const std::int64_t now = parts_.clock.monotonic().value;
  if (shared_->telemetry_refused.exchange(false, std::memory_order_acq_rel))
    telemetry_retry_at_ = now + kTelemetryRetry;
  if (now < telemetry_retry_at_) return;
  while (shared_->telemetry_in_flight.load(std::memory_order_acquire) < kTelemetryWindow) {
    auto block = shared_->take_failed_telemetry();
    if (!block) {
      const auto batch = parts_.telemetry.take(flush);
      if (!batch) return;
      block = lane::make_block(*batch, parts_.machine_id);
    }
    if (!publish_telemetry(*std::move(block))) return;
  }
  // A callback wakes the thread when the window opens.
}

bool Link::publish_telemetry(lane::TelemetryBlock block) {
  const auto count = block.count;
  snake::Outgoing message{snake::telemetry_subject(parts_.machine_id), {}, block.bytes, {}};
  shared_->telemetry_in_flight.fetch_add(1, std::memory_order_acq_rel);
  // Shared: the callback has it when the bus took the message, and this function when not.
  const auto kept = std::make_shared<lane::TelemetryBlock>(std::move(block));
  const auto sent = parts_.bus.publish_stream(
      std::move(message), [shared = shared_, kept](Result<snake::PublishReceipt> receipt) {
        if (!receipt) shared->telemetry_failed(std::move(*kept));
        shared->telemetry_done(receipt.has_value());
      });
  if (!sent) {
    shared_->telemetry_in_flight.fetch_sub(1, std::memory_order_acq_rel);
    shared_->telemetry_failed(std::move(*kept));
    return false;
  }
  counters_.telemetry_records_sent.fetch_add(count, std::memory_order_relaxed);
  return true;
}

}  // namespace fluxrig::rack
