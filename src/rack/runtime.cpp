#include "rack/runtime.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "rack/context_exchange.hpp"
#include "rack/runtime_timers.hpp"

namespace fluxrig::rack {

Runtime::Runtime(Parts parts, Wiring wiring)
    : parts_(std::move(parts)),
      wiring_(std::move(wiring)),
      timers_(std::make_unique<Timers>(*this)),
      loss_window_(parts_.interval.count() * kNanosPerMilli) {
  wiring_.complete();
  if (parts_.bus == nullptr) return;
  contexts_ = std::make_unique<ContextExchange>(
      ContextExchange::Parts{parts_.io, *parts_.bus, parts_.clock, parts_.diagnostics, parts_.rack,
                             [this](gear::Ticket ticket, const OfferedContext& offer) {
                               missed_in_a_row_ = 0;
                               context_arrived(ticket, offer.context, offer.flux_id);
                             }});
}

Runtime::~Runtime() = default;

Outcome<void> Runtime::start() {
  // Egress first: nothing is accepted before there is somewhere to send it.
  auto& stations = wiring_.stations();
  for (auto station = stations.rbegin(); station != stations.rend(); ++station) {
    auto started = station->gear->start(*this);
    if (started) continue;
    // Some gears name themselves already.
    if (started.error().message.starts_with("gear '")) return started;
    return problem(fmt::format("gear '{}': {}", station->name, started.error().message));
  }
  return {};
}

void Runtime::drain() {
  parts_.admission.draining.store(true, std::memory_order_relaxed);
  for (auto& station : wiring_.stations()) station.gear->drain();
}

void Runtime::stop() {
  for (auto& station : wiring_.stations()) station.gear->stop();
  timers_->cancel();
  contexts_.reset();
}

std::vector<std::string> Runtime::correlation_keys(const gear::Gear& egress, std::string_view reply) {
  const StationIndex index = wiring_.index_of(egress);
  if (index == kNowhere) return {};
  for (const StationIndex codec : wiring_.at(index).codecs_upstream)
    if (auto keys = wiring_.at(codec).gear->correlation_keys(reply); !keys.empty()) return keys;
  return {};
}

bool Runtime::correlates(const gear::Gear& egress) const noexcept {
  const StationIndex index = wiring_.index_of(egress);
  return index != kNowhere && !wiring_.at(index).codecs_upstream.empty();
}

void Runtime::stray(const gear::Gear& gear, const char* reason) noexcept {
  const StationIndex index = wiring_.index_of(gear);
  if (index == kNowhere) return;
  wiring_.at(index).metrics->strays.add();
  parts_.diagnostics.line(Severity::kDebug, wiring_.at(index).name, reason);
}

std::string_view Runtime::name_of(const gear::Gear& gear) const noexcept {
  const StationIndex index = wiring_.index_of(gear);
  return index == kNowhere ? std::string_view{} : std::string_view{wiring_.at(index).name};
}

void Runtime::announce_consumer(const gear::Gear& gear, std::string filter_subject) {
  consumers_.push_back({std::string(name_of(gear)), std::move(filter_subject)});
}

void Runtime::expect_contexts() {
  if (contexts_ != nullptr) contexts_->subscribe();
}

void Runtime::offer_context(gear::Transaction& transaction, std::string_view key) {
  OpenTransaction* open = lookup(transaction.ticket());
  if (contexts_ == nullptr || open == nullptr) return;
  // Sent when the egress gear has taken the message: the other rack's spans are children of that gear's span.
  open->offer_pending_ = true;
  open->offer_key_ = context_key(key);
}

void Runtime::adopt_context(gear::Transaction& transaction, std::string_view key) {
  OpenTransaction* open = lookup(transaction.ticket());
  // A branch belongs to a transaction that has its context; a second adoption would tear a record in two.
  if (contexts_ == nullptr || open == nullptr || open->is_branch() || open->context_expected_) return;
  open->context_expected_ = true;
  open->context_key_ = context_key(key);
  if (const auto offer = contexts_->adopt(open->context_key_, open->ticket_)) {
    missed_in_a_row_ = 0;
    context_arrived(open->ticket_, offer->context, offer->flux_id);
  }
}

void Runtime::context_arrived(gear::Ticket ticket, const trace::Context& context, const FluxId& flux_id) {
  OpenTransaction* open = lookup(ticket);
  // Parked or written records keep their ids: what is in the ring is final.
  if (open == nullptr || open->stage_ > Stage::kAwaitingContext) return;
  auto& head = open->draft_.head();
  head.trace_id = context.trace_id;
  head.parent_span_id = context.span_id;
  head.trace_flags = context.flags;
  head.flux_id = flux_id;
  open->draft_.set_tracestate(search(context.tracestate));
  open->flux_id_ = flux_id;
  open->context_adopted_ = true;
  counters_.contexts_adopted.add();
  by_flux_id_[flux_id] = ticket;
  if (open->stage_ == Stage::kAwaitingContext) record(*open);
}

}  // namespace fluxrig::rack
