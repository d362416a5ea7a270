// The way in: deliveries become transactions, each once.
#include "gear/bus/bus_in.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "gear/bus/flux_message.hpp"
#include "gear/transaction.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::gear::bus {

std::optional<BusInSource> parse_source(std::string_view text) {
  const auto first = text.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const auto rack = text.substr(0, first);
  auto gear = text.substr(first + 1);
  std::string_view port = "out";
  if (const auto second = gear.find('.'); second != std::string_view::npos) {
    port = gear.substr(second + 1);
    gear = gear.substr(0, second);
  }
  if (!snake::valid_rack_name(rack) || !snake::valid_name_token(gear) || !snake::valid_name_token(port))
    return std::nullopt;
  return BusInSource{std::string(rack), std::string(gear), std::string(port)};
}

std::chrono::milliseconds redelivery_delay(std::uint64_t deliveries) noexcept {
  const auto doublings = std::min<std::uint64_t>(deliveries == 0 ? 0 : deliveries - 1, 4);
  return std::chrono::milliseconds(std::int64_t{1000} << doublings);
}

BusIn::BusIn(BusInOptions options) : options_(std::move(options)) {}
BusIn::~BusIn() { stop(); }

Outcome<void> BusIn::start(Services& services) {
  services_ = &services;
  bus_ = services.bus();
  const auto gear = services.name_of(*this);
  if (bus_ == nullptr)
    return problem(
        fmt::format("gear '{}' needs a mixer: add 'mixer: {{address, certificates}}' to the scenario", gear));
  const auto source = parse_source(options_.from);
  if (!source)
    return problem(
        fmt::format("gear '{}': 'from' is not '<rack>.<gear>' or '<rack>.<gear>.<port>'; correct it", gear));
  filter_ = snake::message_subject(source->rack, source->gear, source->port);
  consumer_ = snake::consumer_name(services.rack_name(), gear);
  reply_id_prefix_ = fmt::format("{}-{}-reply-", services.rack_name(), gear);
  system_ = services.names().field("messaging.system", sanitize::Action::kKeep);
  destination_ = services.names().field("messaging.destination.name", sanitize::Action::kKeep);
  operation_ = services.names().field("messaging.operation.type", sanitize::Action::kKeep);
  size_ = services.names().field("messaging.message.body.size", sanitize::Action::kKeep);
  span_name_ = services.names().name("process " + options_.from);
  mailbox_ = std::make_shared<Mailbox>(services.io());
  alarm_ = std::make_unique<net::Alarm>(services.io(), [this] { retry(); });
  progress_ = std::make_unique<net::Alarm>(services.io(), [this] { tell_progress(); });

  services.announce_consumer(*this, filter_);
  auto subscription = bus_->subscribe(
      snake::deliver_subject(services.machine_id(), gear),
      [this, mailbox = mailbox_](snake::Delivery delivery) {
        // Dropped when the box is full: unacknowledged, it is delivered again.
        (void)mailbox->offer([this, taken = std::move(delivery)]() mutable { take(std::move(taken)); });
      });
  if (!subscription)
    return problem(fmt::format("gear '{}' cannot subscribe to its messages: {}; check the mixer's address",
                               gear, to_string(subscription.error())));
  subscription_ = *std::move(subscription);
  return {};
}

// A dead letter that is tried again is for the gear that gave it up, not for others of the same messages.
bool BusIn::for_another(const snake::Delivery& delivery) {
  const auto target = delivery.header(kFluxForHeader);
  if (target.empty() || target == consumer_) return false;
  (void)bus_->acknowledge(delivery.reply);
  return true;
}

void BusIn::take(snake::Delivery delivery) {
  if (for_another(delivery)) return;
  auto headers = read_headers(delivery);
  if (!headers) return refuse_malformed(delivery, {}, headers.error().detail);
  if (known(delivery, headers->request)) return;
  if (running_ >= options_.max_in_flight) {
    drop_abandoned();
    run_backlog();
  }
  const bool room = running_ < options_.max_in_flight && backlog_.empty();
  if (!room && (backlog_.size() >= kMaxBacklog ||
                (!backlog_.empty() && backlog_bytes_ + delivery.payload.size() > kMaxBacklogBytes))) {
    (void)bus_->redeliver_after(delivery.reply, redelivery_delay(delivery.deliveries));
    return;
  }
  const auto cookie = ++last_cookie_;
  Request& request = requests_[cookie];
  request.id = headers->request;
  request.acknowledge = delivery.reply;
  request.reply_port = headers->reply_port;
  request.deliveries = delivery.deliveries;
  request.told_at = services_->clock().monotonic().value;
  if (!request.id.empty()) open_[request.id] = cookie;
  if (requests_.size() == 1) progress_->set(options_.progress_every);
  if (room) return run(cookie, delivery, *std::move(headers));
  hold(cookie, std::move(delivery));
}

// The stream delivers again what is not acknowledged in time, however long the work takes.
bool BusIn::known(const snake::Delivery& delivery, const std::string& id) {
  if (id.empty()) return false;
  if (const auto open = open_.find(id); open != open_.end()) {
    const auto request = requests_.find(open->second);
    request->second.acknowledge = delivery.reply;  // acknowledging the latest acknowledges the message
    request->second.deliveries = delivery.deliveries;
    if (request->second.ticket && !request->second.answer &&
        services_->find(*request->second.ticket) == nullptr) {
      settle_abandoned(request);
      run_backlog();
    }
    return true;
  }
  const auto* entry = ledger_.find(id);
  if (entry == nullptr) return false;
  if (!entry->answer) {
    // The stream did not hear of its end: an acknowledgement would make a dead letter vanish.
    (void)(entry->given_up ? bus_->terminate(delivery.reply) : bus_->acknowledge(delivery.reply));
    return true;
  }
  // The stream drops the answer if it has it already: its message id is the same.
  const auto cookie = ++last_cookie_;
  Request& request = requests_[cookie];
  request.id = id;
  request.acknowledge = delivery.reply;
  request.answer = *entry->answer;
  open_[id] = cookie;
  publish(cookie);
  return true;
}

void BusIn::run(std::uint64_t cookie, const snake::Delivery& delivery, ReceivedHeaders headers) {
  auto decoded = decode_message(delivery.payload, services_->seal(), address_of(delivery));
  if (!decoded || decoded->failure) {
    const char* reason = decoded ? "the message is a reply, not a request" : decoded.error().detail;
    forget(requests_.find(cookie));
    return refuse_malformed(delivery, std::move(headers), reason);
  }
  Request& request = requests_[cookie];
  request.running = true;
  ++running_;
  request.bytes = delivery.payload.size();
  Arrival arrival;
  arrival.parent = std::move(headers.parent);
  arrival.flux_id = headers.flux_id;
  arrival.name = span_name_;
  arrival.kind = model::SpanKind::kConsumer;
  arrival.bytes = request.bytes;
  arrival.cookie = cookie;
  arrival.baggage = std::move(headers.baggage);
  const auto begun = services_->begin(*this, std::move(arrival), std::move(decoded->message));
  const auto after = requests_.find(cookie);
  if (after == requests_.end()) return;  // it has ended already
  if (begun) {
    after->second.ticket = *begun;
    return;
  }
  (void)bus_->redeliver_after(after->second.acknowledge, redelivery_delay(after->second.deliveries));
  forget(after);
}

// Kept as a dead letter by the stream; the transaction's record says why.
void BusIn::refuse_malformed(const snake::Delivery& delivery, ReceivedHeaders headers, const char* reason) {
  (void)bus_->terminate(delivery.reply);
  const auto cookie = ++last_cookie_;
  Request& request = requests_[cookie];
  request.malformed = reason;
  request.bytes = delivery.payload.size();
  Arrival arrival;
  arrival.parent = std::move(headers.parent);
  arrival.flux_id = headers.flux_id;
  arrival.name = span_name_;
  arrival.kind = model::SpanKind::kConsumer;
  arrival.bytes = request.bytes;
  arrival.cookie = cookie;
  if (!services_->begin(*this, std::move(arrival), {}))
    services_->stray(*this, "a malformed message while nothing new is accepted");
  requests_.erase(cookie);
}

Step BusIn::on_request(Transaction& transaction, Message&) {
  const auto request = requests_.find(transaction.cookie());
  transaction.span_name(span_name_);
  transaction.attribute(system_, std::string_view("nats"));
  transaction.attribute(destination_, std::string_view(filter_));
  transaction.attribute(operation_, std::string_view("process"));
  if (request == requests_.end())
    return Step::fail(FailureCode::kInternal, "the message is not one of this gear's");
  transaction.attribute(size_, static_cast<std::int64_t>(request->second.bytes));
  if (request->second.malformed != nullptr)
    return Step::fail(FailureCode::kMalformed, request->second.malformed);
  return Step::next();
}

void BusIn::hold(std::uint64_t cookie, snake::Delivery delivery) {
  backlog_bytes_ += delivery.payload.size();
  backlog_.emplace_back(cookie, std::move(delivery));
}

void BusIn::run_backlog() {
  if (running_backlog_) return;  // what runs below may end at once and come here again
  running_backlog_ = true;
  while (!backlog_.empty() && running_ < options_.max_in_flight) {
    auto [cookie, delivery] = std::move(backlog_.front());
    backlog_.pop_front();
    backlog_bytes_ -= delivery.payload.size();
    auto headers = read_headers(delivery);
    if (headers) run(cookie, delivery, *std::move(headers));
  }
  running_backlog_ = false;
}

// A gear on the way may have abandoned a transaction: then nobody calls send_reply.
void BusIn::drop_abandoned() {
  for (auto next = requests_.begin(); next != requests_.end();) {
    const auto request = next++;
    const auto& ticket = request->second.ticket;
    if (!request->second.answer && ticket && services_->find(*ticket) == nullptr) settle_abandoned(request);
  }
}

// Work that takes longer than the stream's patience is no reason to deliver it again, and to give it up after
// five times. Bounded by the transaction's own time: when that has ended, so has this.
void BusIn::tell_progress() {
  drop_abandoned();
  run_backlog();
  const auto now = services_->clock().monotonic().value;
  for (auto& [cookie, request] : requests_) {
    if (now - request.told_at < options_.progress_every.count() * kNanosPerMilli) continue;
    request.told_at = now;
    (void)bus_->in_progress(request.acknowledge);
  }
  if (!requests_.empty()) progress_->set(options_.progress_every);
}

void BusIn::drain() {
  subscription_.reset();
  for (const auto& [cookie, delivery] : backlog_) {
    const auto request = requests_.find(cookie);
    (void)bus_->redeliver_after(request->second.acknowledge, redelivery_delay(request->second.deliveries));
    forget(request);
  }
  backlog_.clear();
  backlog_bytes_ = 0;
}

void BusIn::stop() {
  subscription_.reset();
  if (mailbox_ != nullptr) mailbox_->close();
  alarm_.reset();
  progress_.reset();
  retries_.clear();
  backlog_.clear();
  requests_.clear();
  open_.clear();
}

}  // namespace fluxrig::gear::bus
