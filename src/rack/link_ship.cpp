// What leaves next: fresh audit records; then, sharing what they leave, fresh telemetry and the audit backlog
// inside its budget; then telemetry's backlog. Each in pieces of the window's size, so that a business
// message on the same connection waits behind one of them at most.
#include <algorithm>

#include "rack/block_bytes.hpp"
#include "rack/link_shared.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::rack {
namespace {

// What one of the two that share may fall behind and catch up later.
constexpr std::int64_t kMostLead = 64 << 10;

}  // namespace

void Link::ship(bool flush) {
  for (int piece = 0; piece < kMaxPiecesATurn; ++piece)
    if (ship_one(flush) != Step::kSent) return;
  shared_->ring();  // more to send: after a look at what came in
}

Link::Step Link::ship_one(bool flush) {
  Step step = ship_audit(live_, Flow::kLiveAudit);
  // Byte for byte while both have something: on a narrow link the backlog would keep fresh telemetry out for
  // as long as it lasts, and too much telemetry would keep the backlog from ever ending.
  const bool telemetry_first = telemetry_lead_ <= 0;
  if (step == Step::kNothing && telemetry_first) step = ship_live_telemetry(flush);
  if (step == Step::kNothing) step = ship_audit(backlog_, Flow::kBacklogAudit);
  if (step == Step::kNothing && !telemetry_first) step = ship_live_telemetry(flush);
  if (step == Step::kNothing) step = ship_telemetry_backlog();
  return step;
}

Link::Step Link::ship_audit(AuditShipper& shipper, Flow flow) {
  const auto* message = shipper.next(outbox_.chunk_bytes(), now());
  if (message == nullptr) return Step::kNothing;
  const std::size_t bytes = message->payload.size();
  if (!outbox_.has_room(bytes)) return Step::kWait;
  if (flow == Flow::kLiveAudit) {
    if (!pressure_.pay_live(bytes, now())) return Step::kWait;
  } else if (!pressure_.pay_backlog(bytes, now())) {
    return Step::kNothing;  // fresh telemetry need not wait for it
  }
  const std::uint64_t records = message->records;
  if (!outbox_.send({flow, snake::audit_subject(parts_.machine_id), BlockBytes::of(*message),
                     [&shipper](bool taken) { shipper.acknowledged(taken); }}))
    return Step::kWait;
  shipper.sent(now());
  if (flow == Flow::kBacklogAudit) lead(-static_cast<std::int64_t>(bytes));
  counters_.audit_records_sent.fetch_add(records, std::memory_order_relaxed);
  counters_.bytes_sent[static_cast<std::size_t>(flow)].fetch_add(bytes, std::memory_order_relaxed);
  return Step::kSent;
}

void Link::lead(std::int64_t bytes) noexcept {
  telemetry_lead_ = std::clamp(telemetry_lead_ + bytes, -kMostLead, kMostLead);
}

Link::Step Link::ship_live_telemetry(bool flush) {
  const auto* block = telemetry_.next_live(flush, now());
  if (block == nullptr) return Step::kNothing;
  const std::size_t bytes = block->bytes.size();
  if (!outbox_.has_room(bytes) || !pressure_.pay_live(bytes, now())) return Step::kWait;
  const Step step = publish_telemetry(telemetry_.take_live(), Flow::kLiveTelemetry);
  if (step == Step::kSent) lead(static_cast<std::int64_t>(bytes));
  return step;
}

Link::Step Link::ship_telemetry_backlog() {
  const auto* block = telemetry_.next_backlog(now());
  if (block == nullptr) return Step::kNothing;
  const std::size_t bytes = block->bytes.size();
  if (!outbox_.has_room(bytes) || !pressure_.pay_backlog(bytes, now())) return Step::kWait;
  return publish_telemetry(telemetry_.take_backlog(), Flow::kBacklogTelemetry);
}

Link::Step Link::publish_telemetry(TelemetryShipper::Sent sent, Flow flow) {
  const auto records = sent.block.count;
  const auto bytes = sent.block.bytes.size();
  auto payload = BlockBytes::of(sent.block);
  // Shared: its outcome comes to one of two places.
  const auto kept = std::make_shared<TelemetryShipper::Sent>(std::move(sent));
  if (!outbox_.send({flow, snake::telemetry_subject(parts_.machine_id), std::move(payload),
                     [this, kept](bool taken) { telemetry_.settle(std::move(*kept), taken, now()); }})) {
    telemetry_.give_back(std::move(*kept));
    return Step::kWait;
  }
  counters_.telemetry_records_sent.fetch_add(records, std::memory_order_relaxed);
  counters_.bytes_sent[static_cast<std::size_t>(flow)].fetch_add(bytes, std::memory_order_relaxed);
  return Step::kSent;
}

void Link::note_damage(const wal::Damage& damage) {
  counters_.audit_damage.fetch_add(1, std::memory_order_relaxed);
  parts_.diagnostics.error("wal", "a damaged frame cannot be sent; run 'fluxrig wal verify' on the directory",
                           {{"directory", parts_.audit_directory}, {"cause", damage.what}});
  if (parts_.on_damage) parts_.on_damage(damage.file);
}

}  // namespace fluxrig::rack
