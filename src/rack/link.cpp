#include "rack/link.hpp"

#include <algorithm>

#include "model/block.hpp"
#include "rack/link_shared.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::rack {

Link::Link(Parts parts) : parts_(std::move(parts)), shared_(std::make_shared<Shared>()) {
  shared_->wake = parts_.wake;
  go_back();
  counters_.audit_resends.store(0, std::memory_order_relaxed);
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

bool Link::turn(bool flush_telemetry) {
  shared_->news.store(false, std::memory_order_release);
  if (parts_.connection_changed.exchange(false, std::memory_order_acq_rel)) welcomed_ = false;
  if (!parts_.bus.connected()) return false;
  if (receipts_subscription_ == nullptr) {
    auto subscription = parts_.bus.subscribe(
        snake::receipt_subject(parts_.machine_id),
        [shared = shared_](snake::Delivery delivery) { shared->take(delivery.payload); });
    if (subscription) receipts_subscription_ = *std::move(subscription);
  }
  if (!welcomed_) say_hello();
  take_receipts();
  send_heartbeat();
  const bool more_audit = ship_audit();
  const bool more_telemetry = ship_telemetry(flush_telemetry);
  return more_audit || more_telemetry;
}

std::int64_t Link::next_due() const {
  std::int64_t due = heartbeat_at_ + kHeartbeatEvery;
  if (!welcomed_) due = std::min(due, hello_at_ + kHelloEvery);
  if (const auto ready = parts_.telemetry.next_ready()) due = std::min(due, ready->value);
  if (audit_retry_at_ > parts_.clock.monotonic().value) due = std::min(due, audit_retry_at_);
  if (!shipped_.empty()) due = std::min(due, shipped_.front().at + kReceiptPatience);
  return due;
}

bool Link::settled() const {
  return caught_up_ && !held_ && shipped_.empty() && parts_.telemetry.queued_bytes() == 0 &&
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
  forget_receipted();
}

void Link::forget_receipted() {
  std::erase_if(shipped_, [this](const Shipped& one) {
    if (!parts_.receipts.covers(one.epoch, one.range)) return false;
    counters_.audit_records_receipted.fetch_add(one.range.last.value - one.range.first.value + 1,
                                                std::memory_order_relaxed);
    return true;
  });
}

bool Link::ship_telemetry(bool flush) {
  while (shared_->telemetry_in_flight.load(std::memory_order_acquire) < kTelemetryWindow) {
    auto batch = parts_.telemetry.take(flush);
    if (!batch) return false;
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
      return false;
    }
    counters_.telemetry_records_sent.fetch_add(count, std::memory_order_relaxed);
  }
  return false;  // a callback wakes the thread when the window opens
}

}  // namespace fluxrig::rack
