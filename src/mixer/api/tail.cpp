#include "mixer/api/tail.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

namespace fluxrig::mixer {
namespace {

constexpr std::array kOutcomes{model::TransactionOutcome::kAnswered, model::TransactionOutcome::kFailed,
                               model::TransactionOutcome::kTimedOut, model::TransactionOutcome::kRefused,
                               model::TransactionOutcome::kAbandoned};

}  // namespace

std::optional<model::TransactionOutcome> parse_outcome(std::string_view text) {
  for (const auto outcome : kOutcomes)
    if (to_string(outcome) == text) return outcome;
  return std::nullopt;
}

bool TailFilter::admits(const StoredTransaction& stored) const {
  const auto& transaction = stored.transaction;
  return (rack.empty() || rack == stored.rack) && (!outcome || *outcome == transaction.outcome) &&
         transaction.end.value - transaction.start.value >= min_duration_nanos;
}

std::string tail_line(const StoredTransaction& stored) {
  const auto& transaction = stored.transaction;
  return fmt::format(
      R"({{"type":"transaction","flux_id":"{}","trace_id":"{}","machine_id":"{}","rack":"{}","gear":"{}","name":"{}",)"
      R"("start":"{}","duration_ms":{:.3f},"outcome":"{}","reason":"{}","epoch":{},"sequence":{}}})"
      "\n",
      to_string(transaction.flux_id), to_string(transaction.trace_id), to_string(stored.machine_id),
      escape_json(stored.rack), escape_json(transaction.gear), escape_json(transaction.name),
      to_rfc3339(transaction.start),
      static_cast<double>(transaction.end.value - transaction.start.value) /
          static_cast<double>(kNanosPerMilli),
      to_string(transaction.outcome), escape_json(transaction.reason), stored.epoch.value,
      stored.sequence.value);
}

void TailSubscription::on_lines(std::function<void()> wake) {
  {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
  }
  wake_if_waiting();
}

std::string TailSubscription::take() {
  const std::lock_guard lock(mutex_);
  woken_ = false;
  std::string taken;
  if (dropped_ > 0)
    taken = fmt::format(R"({{"type":"dropped","count":{}}})"
                        "\n",
                        std::exchange(dropped_, 0));
  taken += std::exchange(lines_, {});
  return taken;
}

void TailSubscription::offer(const StoredTransaction& stored, const std::string& line) {
  if (!filter_.admits(stored)) return;
  const std::lock_guard lock(mutex_);
  if (lines_.size() + line.size() > kMaxBytes)
    ++dropped_;
  else
    lines_ += line;
}

void TailSubscription::wake_if_waiting() {
  std::function<void()> wake;
  {
    const std::lock_guard lock(mutex_);
    if (woken_ || (lines_.empty() && dropped_ == 0) || !wake_) return;
    woken_ = true;
    wake = wake_;
  }
  wake();
}

std::shared_ptr<TailSubscription> TailHub::subscribe(TailFilter filter) {
  const std::lock_guard lock(mutex_);
  std::erase_if(subscriptions_, [](const auto& weak) { return weak.expired(); });
  if (subscriptions_.size() >= kMaxClients) return nullptr;
  auto subscription = std::make_shared<TailSubscription>(std::move(filter));
  subscriptions_.push_back(subscription);
  return subscription;
}

std::vector<std::shared_ptr<TailSubscription>> TailHub::living() {
  std::vector<std::shared_ptr<TailSubscription>> list;
  const std::lock_guard lock(mutex_);
  for (const auto& weak : subscriptions_)
    if (auto one = weak.lock()) list.push_back(std::move(one));
  return list;
}

std::size_t TailHub::clients() { return living().size(); }

void TailHub::publish(const std::vector<StoredTransaction>& stored) {
  const auto clients = living();
  if (clients.empty()) return;
  for (const auto& one : stored) {
    const std::string line = tail_line(one);
    for (const auto& client : clients) client->offer(one, line);
  }
  for (const auto& client : clients) client->wake_if_waiting();
}

}  // namespace fluxrig::mixer
