#include "rack/link.hpp"

#include <algorithm>

#include "rack/link_shared.hpp"
#include "sanitize/clean_message.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::rack {

// What earlier runs left is backlog; leaving DIVERT divides anew.
Link::Link(Parts parts)
    : parts_(std::move(parts)),
      shared_(std::make_shared<Shared>(parts_.clock)),
      live_({parts_.disk, parts_.audit_directory, parts_.durable, parts_.receipts,
             [this](const wal::Damage& damage) { note_damage(damage); }},
            {{parts_.hello.epoch, {1}}}),
      backlog_({parts_.disk, parts_.audit_directory, parts_.durable, parts_.receipts,
                [this](const wal::Damage& damage) { note_damage(damage); }},
               {{}, AuditShipper::Position{parts_.hello.epoch, {1}}}),
      telemetry_({parts_.telemetry, parts_.backlog, parts_.machine_id}),
      outbox_(
          parts_.bus, parts_.clock, [shared = shared_] { shared->ring(); }, parts_.business),
      pressure_(parts_.random, now()) {
  shared_->wake = parts_.wake;
}

Link::~Link() {
  subscriptions_.clear();
  const std::lock_guard lock(shared_->mutex);
  shared_->wake = [] {};
}

void Link::work_arrived() noexcept { shared_->ring(); }

bool Link::resend_chain() noexcept {
  if (audit_backlog_.load(std::memory_order_acquire)) return false;
  resend_chain_.store(true, std::memory_order_release);
  shared_->ring();
  return true;
}

model::PressureState Link::force(std::optional<pressure::Forced> forced) {
  pressure_.force(forced);
  decide();
  shared_->ring();  // there may be more to send now
  return pressure_.state();
}

bool Link::has_news() const noexcept {
  return shared_->news.load(std::memory_order_acquire) ||
         parts_.connection_changed.load(std::memory_order_acquire);
}

void Link::turn(bool flush_telemetry) {
  shared_->news.store(false, std::memory_order_release);
  outbox_.settle();
  follow_connection();
  if (connected_) {
    listen();
    if (!welcomed_) say_hello();
    take_receipts();
    take_leases();
    parts_.take_commands();
  }
  decide();
  if (connected_) {
    send_heartbeat();
    repair_audit();
  }
  if (pressure_.diverting())
    telemetry_.divert(flush_telemetry);
  else if (connected_)
    ship(flush_telemetry);
  cut_off_late();
  const auto need =
      parts_.audit_needs_space() ? lane::TelemetryBacklog::Need::kSpace : lane::TelemetryBacklog::Need::kNone;
  if (telemetry_.keep_house(need, now())) shared_->ring();
  note_figures();
}

void Link::finish() {
  outbox_.settle();
  outbox_.abandon();
  const auto lost = telemetry_.finish();
  if (!lost)
    parts_.diagnostics.warn("rack", "the last telemetry may not be on the disk",
                            {{"why", to_string(lost.error())}});
  else if (*lost != 0)
    parts_.diagnostics.warn("rack", "telemetry in memory is lost: there is no backlog to keep it",
                            {{"records", std::to_string(*lost)}});
}

void Link::follow_connection() {
  if (parts_.connection_changed.exchange(false, std::memory_order_acq_rel)) welcomed_ = false;
  const bool up = parts_.bus.connected();
  if (connected_ && !up) outbox_.disconnected();
  connected_ = up;
}

void Link::listen() {
  if (!subscriptions_.empty()) return;
  const auto subscribe = [this](std::string_view subject, void (Shared::*take)(ByteView)) {
    auto made = parts_.bus.subscribe(
        subject, [shared = shared_, take](const snake::Delivery& d) { (*shared.*take)(d.payload); });
    if (!made) return false;
    subscriptions_.push_back(*std::move(made));
    return true;
  };
  // All or none: what failed is tried again in the next turn.
  if (!subscribe(snake::receipt_subject(parts_.machine_id), &Shared::take_receipt) ||
      !subscribe(snake::pressure_subject(parts_.machine_id), &Shared::take_lease) ||
      !subscribe(snake::kPressureForAll, &Shared::take_lease))
    subscriptions_.clear();
}

std::int64_t Link::next_due() {
  const MonotonicNanos at = now();
  std::optional<MonotonicNanos> due = pressure_.next_due(at);
  const auto sooner = [&](std::optional<MonotonicNanos> one) {
    if (one) due = due ? std::min(*due, *one) : one;
  };
  sooner(telemetry_.due());
  if (connected_) {
    sooner(MonotonicNanos{heartbeat_at_ + kHeartbeatEvery});
    if (!welcomed_) sooner(MonotonicNanos{hello_at_ + kHelloEvery});
    sooner(live_.due());
    sooner(backlog_.due());
    sooner(outbox_.next_send());
    sooner(outbox_.next_reading());
  }
  return due ? due->value : at.value + kHeartbeatEvery;
}

std::int64_t Link::rest() const {
  const auto again = outbox_.look_again();
  return again ? std::clamp(again->value - now().value, kLeastPace, kPace) : kPace;
}

bool Link::settled() const {
  return live_.settled() && backlog_.settled() && telemetry_.settled() && outbox_.empty();
}

void Link::say_hello() {
  const std::int64_t at = now().value;
  if (hello_at_ != 0 && at - hello_at_ < kHelloEvery) return;
  hello_at_ = at;
  const auto answer = parts_.bus.request(snake::hello_subject(parts_.machine_id),
                                         sanitize::clean_message(parts_.hello), kHelloTimeout);
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
  pressure_.welcomed(now());
  counters_.hellos.fetch_add(1, std::memory_order_relaxed);
  parts_.diagnostics.info("snake", "the mixer welcomed this rack");
}

void Link::send_heartbeat() {
  const std::int64_t at = now().value;
  if (heartbeat_at_ != 0 && at - heartbeat_at_ < kHeartbeatEvery) return;
  heartbeat_at_ = at;
  auto report = pressure_.report({at});
  report.spool_messages = parts_.spool_messages();
  // At most once by its nature: the next one follows.
  (void)parts_.bus.publish(
      snake::heartbeat_subject(parts_.machine_id),
      sanitize::clean_message(model::Heartbeat{parts_.hello.epoch, parts_.status_json(), std::move(report)}));
}

void Link::take_receipts() {
  for (const auto& receipt : shared_->empty(shared_->receipts)) {
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

void Link::take_leases() {
  for (const auto& [lease, arrived] : shared_->empty(shared_->leases)) pressure_.take(lease, arrived, now());
}

void Link::decide() {
  const auto transition = pressure_.step({connected_, outbox_.reading(), backlog_bytes()}, now());
  if (transition) enter(*transition);
}

void Link::enter(const pressure::Transition& transition) {
  parts_.diagnostics.info("pressure", to_string(transition));
  if (transition.from == model::PressureState::kDivert) divide(AuditShipper::Round::kReceipts);
  if (parts_.on_transition) parts_.on_transition(transition);
}

// What is on disk by now becomes backlog, from the oldest segment on; what has its receipt is passed over.
void Link::divide(AuditShipper::Round round) {
  const auto now_written = parts_.live_position();
  live_.move_to({now_written});
  backlog_.move_to({{}, now_written}, round);
  if (parts_.begin_segment) parts_.begin_segment();
}

// On a link that does not carry what is written, or in a pace that is slower. The next round of REPLAY takes
// it; in RESTRICT it waits as all that is old.
void Link::cut_off_late() {
  if (pressure_.diverting() || !connected_) {
    mark_.reset();  // leaving DIVERT divides anyway
    return;
  }
  const std::int64_t waited = mark_ ? now().value - mark_->at.value : kMarkEvery;
  if (waited < kMarkEvery) return;
  const auto written = parts_.live_position();
  if (!mark_ || live_.passed(mark_->position)) {
    mark_ = Mark{written, now()};
  } else if (waited >= kLate) {
    live_.move_to({written});
    backlog_.extend(written);
    mark_.reset();
  }
}

void Link::repair_audit() {
  if (resend_chain_.exchange(false, std::memory_order_acq_rel)) divide(AuditShipper::Round::kChain);
  const bool live_late = live_.repair(now());
  if (backlog_.repair(now()) || live_late)
    parts_.diagnostics.warn("snake", "no receipt from the mixer for 30 s: its records are sent again");
  counters_.audit_resends.store(live_.resends() + backlog_.resends(), std::memory_order_relaxed);
}

std::uint64_t Link::backlog_bytes() const { return backlog_.bytes_left() + telemetry_.backlog_bytes(); }

void Link::note_figures() {
  if (parts_.on_chunk && chunk_told_ != outbox_.chunk_bytes()) {
    chunk_told_ = outbox_.chunk_bytes();
    parts_.on_chunk(chunk_told_);
  }
  audit_backlog_.store(!backlog_.settled(), std::memory_order_release);
  const auto& machine = pressure_.machine();
  const auto note = [](auto& counter, auto value) { counter.store(value, std::memory_order_relaxed); };
  note(counters_.state, static_cast<std::uint8_t>(machine.state()));
  for (std::size_t i = 0; i < counters_.nanos_in_state.size(); ++i)
    note(counters_.nanos_in_state[i], machine.nanos_in(static_cast<model::PressureState>(i)));
  note(counters_.transitions, machine.transitions());
  note(counters_.backlog_bytes, backlog_bytes());
  note(counters_.window_bytes, outbox_.window().window_bytes());
  note(counters_.chunk_bytes, outbox_.window().chunk_bytes());
}

}  // namespace fluxrig::rack
