#include "gear/bus/request_ledger.hpp"

namespace fluxrig::gear::bus {
namespace {

std::size_t size_of(const snake::Outgoing& answer) noexcept {
  std::size_t size = answer.subject.size() + answer.payload.size() + answer.message_id.size();
  for (const auto& [name, value] : answer.headers) size += name.size() + value.size();
  return size;
}

}  // namespace

void RequestLedger::let_go_of_answer(Entry& entry) noexcept {
  if (!entry.answer) return;
  bytes_ -= size_of(*entry.answer);
  entry.answer.reset();
}

void RequestLedger::answered(std::string request, std::optional<snake::Outgoing> answer) {
  remember({std::move(request), std::move(answer), false});
}

void RequestLedger::gave_up(std::string request) { remember({std::move(request), std::nullopt, true}); }

void RequestLedger::remember(Entry fresh) {
  if (fresh.request.empty()) return;
  if (const auto known = by_request_.find(fresh.request); known != by_request_.end()) {
    const auto entry = known->second;
    let_go_of_answer(*entry);
    by_request_.erase(known);
    if (oldest_answer_ == entry) ++oldest_answer_;
    order_.erase(entry);
  }
  if (fresh.answer) bytes_ += size_of(*fresh.answer);
  order_.push_back(std::move(fresh));
  const auto newest = std::prev(order_.end());
  by_request_[newest->request] = newest;
  if (oldest_answer_ == order_.end()) oldest_answer_ = newest;
  while (bytes_ > limits_.bytes) let_go_of_answer(*oldest_answer_++);
  while (order_.size() > limits_.entries) {
    const auto oldest = order_.begin();
    let_go_of_answer(*oldest);
    if (oldest_answer_ == oldest) ++oldest_answer_;
    by_request_.erase(oldest->request);
    order_.pop_front();
  }
}

const RequestLedger::Entry* RequestLedger::find(std::string_view request) const noexcept {
  const auto known = by_request_.find(request);
  return known == by_request_.end() ? nullptr : &*known->second;
}

}  // namespace fluxrig::gear::bus
