// Intent before effect: before a transaction first leaves the rack, the ring holds its intent, and with
// `intent: commit` the disk does.
#include "rack/runtime.hpp"
#include "rack/tap_build.hpp"

namespace fluxrig::rack {

// Only the first departure writes an intent. What a branch sends out belongs to its transaction, whose
// intent, or record if that came first, stands for it.
Runtime::Departure Runtime::prepare_departure(OpenTransaction& transaction) {
  OpenTransaction* recorded = transaction.recorded();
  if (recorded == nullptr) return Departure::kGo;  // its record was written before
  if (recorded->entered_ring_.value == 0) {
    const tap::DepartureNote note{wiring_.at(transaction.here().station).name_id, transaction.here().entered,
                                  parts_.intent == IntentMode::kCommit};
    if (!recorded->draft_.write_intent(parts_.ring, note, recorded->entered_ring_))
      return Departure::kRingFull;
    counters_.intents.add();
    parts_.pump_bell.ring();
  }
  if (parts_.intent != IntentMode::kCommit) return Departure::kGo;
  // The acquire load pairs with the release store in publish_durable.
  if (recorded->entered_ring_.value <= durable_.load(std::memory_order_acquire)) return Departure::kGo;
  transaction.stage_ = Stage::kDeparting;
  await_disk(transaction, recorded->entered_ring_);
  return Departure::kAwaitDisk;
}

// False: it goes on in depart(), or ends in refuse_departure().
bool Runtime::may_depart(OpenTransaction& transaction) {
  if (!kTapped || parts_.intent == IntentMode::kOff) return true;
  const Departure departure = prepare_departure(transaction);
  if (departure == Departure::kRingFull) {
    transaction.stage_ = Stage::kDeparting;
    park(transaction);
  }
  return departure == Departure::kGo;
}

void Runtime::depart(OpenTransaction& transaction) {
  transaction.stage_ = Stage::kMoving;
  transaction.awaited_ = {};
  forward(transaction,
          wiring_.at(transaction.here().station).gear->on_request(transaction, transaction.message_));
}

// The transaction's time was over before its intent was safe. It has not left, and never will.
void Runtime::refuse_departure(OpenTransaction& transaction) {
  counters_.departures_refused.add();
  transaction.stage_ = Stage::kMoving;
  transaction.awaited_ = {};
  leave(transaction, parts_.ticks.now());
  fail_back(transaction, transaction.at_,
            {gear::FailureCode::kRefused, "not sent: the audit log could not record the intent in time"});
}

}  // namespace fluxrig::rack
