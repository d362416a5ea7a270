#include "rack/context_exchange.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "snake/subjects.hpp"

namespace fluxrig::rack {

ContextExchange::ContextExchange(Parts parts) : parts_(std::move(parts)) {}
ContextExchange::~ContextExchange() { *alive_ = false; }

void ContextExchange::subscribe() {
  if (subscription_ != nullptr) return;
  auto subscription =
      parts_.bus.subscribe(snake::kContextFilter, [this, alive = alive_](snake::Delivery delivery) {
        auto offers = decode_offers(delivery.payload);
        if (!offers) return;
        // `alive` is read on the io thread only, where it is written.
        boost::asio::post(parts_.io, [this, alive, taken = *std::move(offers)]() mutable {
          if (*alive) take(std::move(taken));
        });
      });
  if (subscription) {
    subscription_ = *std::move(subscription);
  } else {
    parts_.diagnostics.warn("rack",
                            "cannot subscribe to trace contexts: traces of other racks are not continued",
                            {{"cause", to_string(subscription.error())}});
  }
}

void ContextExchange::offer(const ContextKey& key, const trace::Context& context, const FluxId& flux_id) {
  outgoing_.push_back({key, flux_id, context});
  if (outgoing_.size() >= kMaxOffers) return flush();
  if (flush_posted_) return;
  // All that this turn of the loop offers shares one message.
  flush_posted_ = true;
  boost::asio::post(parts_.io, [this, alive = alive_] {
    if (*alive) flush();
  });
}

void ContextExchange::flush() {
  flush_posted_ = false;
  if (outgoing_.empty()) return;
  const auto bytes = encode_offers(outgoing_);
  outgoing_.clear();
  // Lost while disconnected: the other rack then begins a trace of its own, and counts it.
  (void)parts_.bus.publish(snake::context_subject(parts_.rack), bytes);
}

std::optional<OfferedContext> ContextExchange::adopt(const ContextKey& key, gear::Ticket ticket) {
  if (const auto kept = kept_.find(key); kept != kept_.end()) {
    OfferedContext offer = std::move(kept->second.offer);
    kept_.erase(kept);
    return offer;
  }
  if (waiting_.size() < kMaxKept) waiting_[key] = ticket;
  return std::nullopt;
}

void ContextExchange::forget(const ContextKey& key) { waiting_.erase(key); }

void ContextExchange::take(std::vector<OfferedContext> offers) {
  expire();
  const std::int64_t until = parts_.clock.monotonic().value + kKeptFor;
  for (auto& offer : offers) {
    if (const auto waiting = waiting_.find(offer.key); waiting != waiting_.end()) {
      const gear::Ticket ticket = waiting->second;
      waiting_.erase(waiting);
      parts_.arrived(ticket, offer);
      continue;
    }
    kept_order_.emplace_back(until, offer.key);
    const ContextKey key = offer.key;
    kept_.insert_or_assign(key, Kept{std::move(offer), until});
  }
}

void ContextExchange::expire() {
  const std::int64_t now = parts_.clock.monotonic().value;
  while (!kept_order_.empty() && (kept_order_.front().first <= now || kept_order_.size() > kMaxKept)) {
    const auto kept = kept_.find(kept_order_.front().second);
    // The same key may have been offered again since, with a later end.
    if (kept != kept_.end() && kept->second.until <= kept_order_.front().first) kept_.erase(kept);
    kept_order_.pop_front();
  }
}

}  // namespace fluxrig::rack
