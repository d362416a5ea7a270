#include "gear/bus/bus_out.hpp"

#include <fmt/format.h>

#include <charconv>

#include "gear/bus/bus_headers.hpp"
#include "gear/bus/flux_message.hpp"
#include "gear/transaction.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::gear::bus {
namespace {

constexpr const char* kStrayReply = "a reply that nobody waits for";

}  // namespace

BusOut::BusOut(BusOutOptions options) : options_(std::move(options)) {}
BusOut::~BusOut() { stop(); }

Outcome<void> BusOut::start(Services& services) {
  services_ = &services;
  bus_ = services.bus();
  const auto gear = services.name_of(*this);
  if (bus_ == nullptr)
    return problem(
        fmt::format("gear '{}' needs a mixer: add 'mixer: {{address, certificates}}' to the scenario", gear));
  subject_ = snake::message_subject(services.rack_name(), gear, options_.port);
  session_ = fmt::format("{:016x}", services.random().next());
  request_prefix_ = fmt::format("{}:{}:", to_string(services.machine_id()), session_);
  system_ = services.names().field("messaging.system", sanitize::Action::kKeep);
  destination_ = services.names().field("messaging.destination.name", sanitize::Action::kKeep);
  operation_ = services.names().field("messaging.operation.type", sanitize::Action::kKeep);
  size_ = services.names().field("messaging.message.body.size", sanitize::Action::kKeep);
  span_name_ = services.names().name(fmt::format("send {}.{}", services.rack_name(), gear));
  mailbox_ = std::make_shared<Mailbox>(services.io());
  alarm_ = std::make_unique<net::Alarm>(services.io(), [this] { expire(); });
  if (auto opened = open_post(); !opened) return opened;
  if (!options_.reply) return {};

  reply_port_ = snake::reply_port(services.rack_name(), gear);
  services.announce_consumer(*this, snake::reply_filter(services.rack_name(), gear));
  auto subscription =
      bus_->subscribe(snake::deliver_subject(services.machine_id(), gear),
                      [this, mailbox = mailbox_](snake::Delivery delivery) {
                        // Dropped when the box is full: unacknowledged, it is delivered again.
                        (void)mailbox->offer([this, taken = std::move(delivery)] { take_reply(taken); });
                      });
  if (!subscription)
    return problem(fmt::format("gear '{}' cannot subscribe to its replies: {}; check the mixer's address",
                               gear, to_string(subscription.error())));
  subscription_ = *std::move(subscription);
  return {};
}

// One directory for each flow: <data>/spool/<gear>.<port>. A gear that waits for replies opens it only to
// send what it holds from the time when it did not.
Outcome<void> BusOut::open_post() {
  wal::Disk* disk = services_->disk();
  const auto gear = std::string(services_->name_of(*this));
  const auto parent = services_->data_directory() + "/spool";
  const auto directory = fmt::format("{}/{}.{}", parent, gear, options_.port);
  if (options_.reply && (disk == nullptr || !disk->list(directory))) return {};
  if (disk == nullptr) return problem(fmt::format("gear '{}' has no disk for its spool", gear));
  if (const auto made = disk->make_directory(parent); !made && made.error().code != ErrorCode::kExists)
    return problem(
        fmt::format("gear '{}' cannot make its spool in '{}': {}; give the rack's user write access", gear,
                    parent, to_string(made.error())));
  auto outbox = Outbox::open({.spool = {.disk = *disk,
                                        .clock = services_->clock(),
                                        .directory = directory,
                                        .machine_id = services_->machine_id(),
                                        .rack = std::string(services_->rack_name()),
                                        .software = {},
                                        .bytes = options_.spool_bytes},
                              .bus = *bus_,
                              .services = *services_,
                              .gear = gear,
                              .window = options_.spool_window});
  if (!outbox) return tl::unexpected(outbox.error());
  post_ = std::make_unique<BusPost>(
      BusPost::Parts{*services_, *bus_, mailbox_, *std::move(outbox), options_.reply_timeout});
  depth_ = post_->depth();
  return {};
}

snake::Outgoing BusOut::outgoing(const Transaction& transaction, std::uint64_t number,
                                 sanitize::CleanBytes payload) const {
  snake::Outgoing out;
  out.subject = subject_;
  out.headers = context_headers(transaction.outgoing_context(), transaction.flux_id(), transaction.baggage());
  auto request = request_prefix_ + std::to_string(number);
  if (options_.reply) out.headers.emplace_back(kFluxReplyHeader, reply_port_);
  // With a reply it is published once, so the server need not look for duplicates.
  if (!options_.reply) out.message_id = request;
  out.headers.emplace_back(kFluxRequestHeader, std::move(request));
  out.payload = std::move(payload);
  return out;
}

Step BusOut::on_request(Transaction& transaction, Message& message) {
  transaction.span_name(span_name_);
  transaction.attribute(system_, std::string_view("nats"));
  transaction.attribute(destination_, std::string_view(subject_));
  transaction.attribute(operation_, std::string_view("send"));
  if (options_.reply && !bus_->connected())
    return Step::fail(FailureCode::kUnavailable, "the bus is not connected");
  if ((options_.reply ? waiting_.size() : post_->open()) >= options_.max_in_flight)
    return Step::fail(FailureCode::kRefused, "too many messages wait for the bus");
  const auto flux_id = to_string(transaction.flux_id());
  auto payload = encode_message(message, services_->seal(), {subject_, flux_id});
  if (!payload) {
    const bool oversize = payload.error().code == ErrorCode::kOversize;
    return Step::fail(
        oversize ? FailureCode::kOversize : FailureCode::kMalformed,
        oversize ? "the message is over the bus's limits" : "the message cannot be written for the bus");
  }
  const auto size = payload->size();
  const auto number = ++last_number_;
  auto out = outgoing(transaction, number, *std::move(payload));
  const auto step = options_.reply ? ask(transaction, number, std::move(out))
                                   : post_->send(transaction.ticket(), std::move(out));
  if (step.kind != Step::Kind::kWait) return step;
  transaction.attribute(size_, static_cast<std::int64_t>(size));
  transaction.count_bytes(0, size);
  return step;
}

Step BusOut::ask(Transaction& transaction, std::uint64_t number, snake::Outgoing message) {
  const auto now = services_->clock().monotonic().value;
  // Before the publish: its end may come at any moment, from another thread.
  waiting_[number] = {transaction.ticket(), now + options_.reply_timeout.count() * kNanosPerMilli};
  auto sent = bus_->publish_stream(std::move(message),
                                   [this, number, mailbox = mailbox_](Result<snake::PublishReceipt> receipt) {
                                     // What is stored and awaits its reply has nothing to be told yet.
                                     if (!receipt)
                                       mailbox->put([this, number, receipt] { published(number, receipt); });
                                   });
  if (!sent) {
    waiting_.erase(number);
    return Step::fail(publish_failure(sent.error()));
  }
  if (waiting_.size() == 1) alarm_->set(options_.reply_timeout);
  return Step::wait();
}

void BusOut::published(std::uint64_t number, const Result<snake::PublishReceipt>& receipt) {
  if (!receipt) finish(number, Step::fail(publish_failure(receipt.error())), {});
}

std::optional<std::uint64_t> BusOut::number_of(std::string_view request) const noexcept {
  if (request.substr(0, request_prefix_.size()) != request_prefix_) return std::nullopt;
  request.remove_prefix(request_prefix_.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(request.data(), request.data() + request.size(), number);
  if (error != std::errc{} || end != request.data() + request.size()) return std::nullopt;
  return number;
}

// A failed acknowledgement needs no care: the reply comes again, and finds nobody.
void BusOut::take_reply(const snake::Delivery& delivery) {
  const auto number = number_of(delivery.header(kFluxRequestHeader));
  const auto waiting = number ? waiting_.find(*number) : waiting_.end();
  auto* transaction = waiting == waiting_.end() ? nullptr : services_->find(waiting->second.ticket);
  if (transaction == nullptr) {
    if (waiting != waiting_.end()) waiting_.erase(waiting);
    services_->stray(*this, kStrayReply);
    (void)bus_->acknowledge(delivery.reply);
    return;
  }
  transaction->count_bytes(delivery.payload.size(), 0);
  auto reply = decode_message(delivery.payload, services_->seal(), address_of(delivery));
  if (!reply) {
    finish(*number, Step::fail(FailureCode::kInternal, "the other rack's reply breaks the message format"),
           {});
    (void)bus_->terminate(delivery.reply);
    return;
  }
  if (reply->failure) {
    finish(*number, Step::fail(*reply->failure), {});
  } else {
    finish(*number, Step::reply(), std::move(reply->message));
  }
  (void)bus_->acknowledge(delivery.reply);
}

void BusOut::finish(std::uint64_t number, Step step, Message message) {
  const auto waiting = waiting_.find(number);
  if (waiting == waiting_.end()) return;
  const Ticket ticket = waiting->second.ticket;
  waiting_.erase(waiting);  // first: what resumes may send the next request through this gear
  services_->resume(ticket, step, std::move(message));
}

void BusOut::expire() {
  const auto now = services_->clock().monotonic().value;
  while (!waiting_.empty() && waiting_.begin()->second.deadline <= now)
    finish(waiting_.begin()->first, Step::fail(FailureCode::kTimeout, "no reply over the bus in time"), {});
  if (waiting_.empty()) return;
  const auto left = waiting_.begin()->second.deadline - now;
  alarm_->set(std::chrono::milliseconds(left / kNanosPerMilli + 1));
}

void BusOut::drain() {
  if (post_ != nullptr) post_->drain();
}

void BusOut::stop() {
  subscription_.reset();
  if (mailbox_ != nullptr) mailbox_->close();
  post_.reset();
  alarm_.reset();
  waiting_.clear();
}

}  // namespace fluxrig::gear::bus
