#include "sim/business_gears.hpp"

#include "gear/transaction.hpp"
#include "sim/business_message.hpp"

namespace fluxrig::sim {

using gear::FailureCode;
using gear::Step;

void Tagger::start(gear::Services& services) {
  execution_ = services.names().field(kExecutionField, sanitize::Action::kKeep);
  note_ = services.names().field("note", sanitize::Action::kKeep);
}

Execution Tagger::tag(const Business& business, gear::Transaction& transaction, gear::Message& message) {
  const Execution execution = business.world.oracle.begun(business.process);
  transaction.attribute(execution_, static_cast<std::int64_t>(execution));
  // Longer than what a power loss keeps or loses as one piece.
  transaction.attribute(note_, Oracle::kContent);
  transaction.attribute(note_, Oracle::kContent);
  set_execution(message, execution);
  return execution;
}

void Shop::sell(Port port) {
  gear::Arrival arrival;
  arrival.cookie = ++last_;
  sales_[last_].port = port;
  if (!services_->begin(*this, std::move(arrival), {})) sales_.erase(last_);
}

Outcome<void> Shop::start(gear::Services& services) {
  services_ = &services;
  tagger_.start(services);
  return {};
}

Step Shop::on_request(gear::Transaction& transaction, gear::Message& message) {
  auto& sale = sales_.at(transaction.cookie());
  gear::Message tagged;
  sale.execution = tagger_.tag(business_, transaction, tagged);
  message = make_message(sale.execution);
  set_execution(message, sale.execution);
  if (sale.port == kPost) {
    business_.world.note("shop", "post", sale.execution, business_.process.rack);
    business_.world.messages.arrived(sale.execution, business_.process.rack);
  }
  return Step::next(sale.port);
}

Step Shop::on_failure(gear::Transaction& transaction, const gear::Failure&, gear::Message&) {
  sales_.at(transaction.cookie()).failed = true;
  return Step::reply();
}

void Shop::send_reply(gear::Transaction& transaction, gear::Message&) {
  const auto sale = sales_.at(transaction.cookie());
  sales_.erase(transaction.cookie());
  if (!business_.alive()) return;
  business_.world.oracle.answered(sale.execution, business_.world.schedule.now());
  if (sale.port != kPost) return;
  business_.world.note("shop", sale.failed ? "post refused" : "post accepted", sale.execution);
  if (!sale.failed) business_.world.messages.accepted(sale.execution);
}

Step Tag::on_request(gear::Transaction& transaction, gear::Message& message) {
  (void)tagger_.tag(business_, transaction, message);
  return Step::next();
}

Step Partner::on_request(gear::Transaction& transaction, gear::Message& message) {
  auto& world = business_.world;
  const auto execution = execution_of(message);
  const auto number = message_number(message);
  if (!execution || !number) {
    world.oracle.fail("what is delivered is what was sent", "a gear was given another content");
    return Step::fail(FailureCode::kMalformed, "another content");
  }
  if (!business_.alive()) return Step::wait();
  const bool host = kind_ == Kind::kHost;
  if (host) {
    world.note("host", "works on", *number, *execution);
    world.messages.taken(*number, business_.process);
  }
  if (world.chance(world.plan.peers_away))
    return Step::fail(FailureCode::kUnavailable, "the peer is away");  // and nothing was sent
  world.oracle.departed(*execution, world.schedule.now());
  if (world.chance(world.plan.peers_refuse)) {
    if (host) world.messages.failed(*number);
    return Step::fail(FailureCode::kRejected, "the peer does not want it");
  }
  if (world.chance(world.plan.peers_silent)) {
    if (host) world.messages.failed(*number);
    return Step::wait();  // until its time is over
  }
  if (world.random.below(2) == 0) return answer_later(transaction.ticket(), *number);
  done(*number);
  return Step::reply();
}

void Partner::done(Execution message) {
  if (kind_ != Kind::kHost) return;
  business_.world.note("host", "has done", message);
  business_.world.messages.done(message, business_.process);
}

Step Partner::answer_later(gear::Ticket ticket, Execution message) {
  constexpr std::int64_t kPeerTakes = 20 * kNanosPerMilli;
  business_.world.schedule.after(business_.world.around(kPeerTakes),
                                 [this, weak = std::weak_ptr(there_), ticket, message] {
                                   if (weak.expired()) return;
                                   if (services_->find(ticket) != nullptr) done(message);
                                   const auto worked = business_.worked;
                                   services_->resume(ticket, Step::reply(), {});
                                   worked();
                                 });
  return Step::wait();
}

}  // namespace fluxrig::sim
