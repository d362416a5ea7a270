#include "sim/message_ledger.hpp"

#include <fmt/format.h>

#include <utility>

namespace fluxrig::sim {

MessageLedger::Message& MessageLedger::known(Execution message) {
  const auto found = messages_.find(message);
  if (found != messages_.end()) return found->second;
  oracle_.fail("no message that nobody sent", fmt::format("message {} was never sent", message));
  return messages_[message];
}

void MessageLedger::look(Execution number, const Message& message) {
  const bool excused = (message.lost && message.acknowledged_to_sender) || message.only_copy_damaged();
  if (message.accepted != 0 && !message.ended && !excused)
    outstanding_.insert(number);
  else
    outstanding_.erase(number);
}

void MessageLedger::forget_in_flow(const Message& message) {
  if (message.accepted != 0) on_its_way_[message.flow].erase(message.accepted);
}

void MessageLedger::arrived(Execution number, std::size_t flow) {
  auto& message = messages_[number];
  message.flow = flow;
  message.arrived = ++events_;
}

void MessageLedger::accepted(Execution number) {
  auto& message = known(number);
  message.accepted = ++events_;
  ++accepted_;
  if (!message.was_stored && !message.damaged) on_its_way_[message.flow].emplace(message.accepted, number);
  look(number, message);
}

void MessageLedger::acknowledged_to_sender(Execution number) {
  auto& message = known(number);
  message.acknowledged_to_sender = true;
  look(number, message);
}

void MessageLedger::damaged(Execution number) {
  auto& message = known(number);
  message.damaged = true;
  forget_in_flow(message);
  look(number, message);
}

void MessageLedger::stored(Execution number) {
  auto& message = known(number);
  message.lost = false;
  const bool again = std::exchange(message.was_stored, true);
  look(number, message);
  if (again) return;
  forget_in_flow(message);
  const auto& before = on_its_way_[message.flow];
  if (!before.empty() && before.begin()->first < message.arrived)
    oracle_.fail(
        "P0 keeps the order of its flow",
        fmt::format("message {} came into the stream before {}, which was accepted before it arrived", number,
                    before.begin()->second));
}

void MessageLedger::lost_by_server(Execution number) {
  auto& message = known(number);
  message.lost = true;
  look(number, message);
}

void MessageLedger::taken(Execution number, const Oracle::Process& consumer) {
  if (known(number).done_by.contains(consumer))
    oracle_.fail("a process works on a message once",
                 fmt::format("rack-{} works on message {} again, which it has done", consumer.rack, number));
}

void MessageLedger::done(Execution number, const Oracle::Process& consumer) {
  known(number).done_by.insert(consumer);
}

void MessageLedger::failed(Execution number) { known(number).failed = true; }

void MessageLedger::acknowledged(Execution number) {
  auto& message = known(number);
  if (message.done_by.empty())
    oracle_.fail("acknowledged P0 messages were delivered",
                 fmt::format("message {} was acknowledged by its consumer, and no gear has done it", number));
  message.ended = true;
  look(number, message);
}

void MessageLedger::dead(Execution number, bool terminated) {
  auto& message = known(number);
  if (terminated && !message.failed)
    oracle_.fail("a dead letter has its reason",
                 fmt::format("message {} was given up by its consumer, and no gear failed", number));
  message.ended = true;
  ++dead_letters_;
  look(number, message);
}

std::string MessageLedger::state() const {
  std::string text = fmt::format("{} of P0 are under way", outstanding_.size());
  return outstanding_.empty() ? text : text + fmt::format(", {} the first", *outstanding_.begin());
}

bool MessageLedger::missing(Execution number) const {
  const auto found = messages_.find(number);
  return found != messages_.end() && found->second.accepted != 0 && found->second.only_copy_damaged();
}

void MessageLedger::check_end() {
  if (!outstanding_.empty())
    oracle_.fail(
        "no accepted P0 message is lost",
        fmt::format("message {} was accepted, and is neither done nor a dead letter", *outstanding_.begin()));
}

}  // namespace fluxrig::sim
