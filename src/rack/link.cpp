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
  return due;
}

bool Link::settled() const {
  return live_.settled() && backlog_.settled() && parts_.telemetry.queued_bytes() == 0 &&
         shared_->in_flight() == 0;
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
  while (shared_->telemetry_in_flight.load(std::memory_order_acquire) < kTelemetryWindow) {
    auto batch = parts_.telemetry.take(flush);
    if (!batch) return;
    model::BlockHead head;
    head.kind = model::BlockKind::kRecords;
    head.machine_id = parts_.machine_id;
    head.lane = model::Lane::kTelemetry;
    head.epoch = parts_.hello.epoch;
    head.first = {telemetry_sequence_};
    head.count = batch->count;
    head.time = parts_.clock.now();
    telemetry_sequence_ += batch->count;
    snake::Outgoing message{snake::telemetry_subject(parts_.machine_id), {}, {}, {}};
    model::encode_block(head, batch->records, {}, message.payload);
    shared_->telemetry_in_flight.fetch_add(1, std::memory_order_acq_rel);
    const auto count = batch->count;
    const auto sent = parts_.bus.publish_stream(
        std::move(message),
        [shared = shared_, &drops = parts_.drops, count](Result<snake::PublishReceipt> receipt) {
          if (!receipt) shared->count_lost_telemetry(drops, count);
          shared->telemetry_done();
        });
    if (!sent) {
      shared_->telemetry_in_flight.fetch_sub(1, std::memory_order_acq_rel);
      parts_.drops.add(lane::DropCause::kPublishFailed, count);
      return;
    }
    counters_.telemetry_records_sent.fetch_add(count, std::memory_order_relaxed);
  }
  // A callback wakes the thread when the window opens.
}

}  // namespace fluxrig::rack
