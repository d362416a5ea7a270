#include "sim/simulated_bus.hpp"

#include <algorithm>

#include "sim/business_message.hpp"

namespace fluxrig::sim {
namespace {

class SimulatedSubscription final : public snake::Subscription {
 public:
  SimulatedSubscription(std::weak_ptr<Peer> peer, std::uint64_t id) : peer_(std::move(peer)), id_(id) {}
  ~SimulatedSubscription() override {
    if (const auto peer = peer_.lock()) peer->subscribers.erase(id_);
  }

 private:
  std::weak_ptr<Peer> peer_;
  std::uint64_t id_;
};

std::optional<model::BlockHead> telemetry_head(ByteView payload) {
  const auto block = model::decode_block(payload);
  if (!block || block->head.lane != model::Lane::kTelemetry) return std::nullopt;
  return block->head;
}

std::optional<Execution> business_of(const snake::Outgoing& message) {
  if (!message.subject.starts_with("flux.msg.")) return std::nullopt;
  return message_number(message.payload);
}

}  // namespace

SimulatedBus::SimulatedBus(World& world, MessageServer& server, Answer answer)
    : world_(world), server_(server), answer_(std::move(answer)) {
  server_.connect(peer_);
}

SimulatedBus::~SimulatedBus() { break_connection(); }

bool SimulatedBus::spend() noexcept {
  if (left_ == 0) dead_ = true;
  if (dead_) return false;
  if (left_ != ~std::uint64_t{0}) --left_;
  return true;
}

Result<void> SimulatedBus::ready() {
  if (!spend()) return fail(ErrorCode::kUnavailable, "the process is dead");
  if (peer_->connection == nullptr) return fail(ErrorCode::kUnavailable, "no connection to the server");
  return {};
}

std::int64_t SimulatedBus::arrival() {
  // Never at the same instant: the schedule shuffles those.
  last_arrival_ = std::max(last_arrival_ + 1, world_.schedule.now() + world_.around(world_.plan.delay));
  return last_arrival_;
}

Result<void> SimulatedBus::publish_stream(snake::Outgoing message, snake::PublishDone done) {
  const auto telemetry = telemetry_head(message.payload);
  auto good = ready();
  if (good && window_->size() >= kWindow)
    good = fail(ErrorCode::kFull, "the window of unacknowledged publishes is full");
  if (telemetry) world_.telemetry.handed(*telemetry, !good);
  if (!good) return good;
  const auto business = business_of(message);
  if (business) {
    world_.note("bus", "publishes", *business, sessions_);
    world_.oracle.departed(*business, world_.schedule.now());
  }
  const std::uint64_t ticket = ++made_;
  const auto told = [done = std::move(done), weak = std::weak_ptr(peer_)](const auto& result) {
    done(result);
    if (const auto peer = weak.lock(); peer != nullptr && peer->touched) peer->touched();
  };
  window_->emplace(ticket, Pending{told, telemetry, business});
  world_.schedule.at(arrival(), [this, alive = std::weak_ptr(window_), message = std::move(message), ticket,
                                 connection = peer_->connection, &world = world_, &server = server_] {
    if (!server.hears(*connection)) {
      if (const auto head = telemetry_head(message.payload)) world.telemetry.lost(*head);
      return;
    }
    // On the wire before its process died: it arrives all the same, and nobody is there to be told.
    if (alive.expired()) {
      (void)server.store(message);
      return;
    }
    arrive(message, ticket, connection);
  });
  return {};
}

void SimulatedBus::arrive(const snake::Outgoing& message, std::uint64_t ticket,
                          const Connection& connection) {
  // On one connection to one server nothing of lane P0 is lost between what arrives: its order rests on that.
  const bool lost = !business_of(message) && world_.chance(world_.plan.publishes_lost);
  Result<snake::PublishReceipt> result = fail(ErrorCode::kTimeout, "the stream did not acknowledge in time");
  if (lost) {
    if (const auto head = telemetry_head(message.payload)) world_.telemetry.lost(*head);
  } else {
    result = server_.store(message);
    if (world_.chance(world_.plan.publishes_doubled)) (void)server_.store(message);
  }
  const bool silent = lost || world_.chance(world_.plan.acknowledgements_lost);
  if (silent) result = fail(ErrorCode::kTimeout, "the stream did not acknowledge in time");
  const std::int64_t delay = silent ? kTimeout : world_.around(world_.plan.delay);
  world_.schedule.after(delay,
                        [weak = std::weak_ptr(window_), ticket, result, silent, connection, &world = world_] {
                          const auto window = weak.lock();
                          if (window == nullptr || (!silent && connection->cut <= world.schedule.now()))
                            return;
                          complete(world, *window, ticket, result);
                        });
}

void SimulatedBus::complete(World& world, Window& window, std::uint64_t ticket,
                            const Result<snake::PublishReceipt>& result) {
  const auto found = window.find(ticket);
  if (found == window.end()) return;
  const Pending pending = std::move(found->second);
  window.erase(found);
  if (pending.telemetry) world.telemetry.told(*pending.telemetry, result.has_value());
  if (pending.message && result) world.messages.acknowledged_to_sender(*pending.message);
  pending.done(result);
}

Result<void> SimulatedBus::publish(std::string_view subject, const sanitize::CleanBytes& payload) {
  if (const auto good = ready(); !good) return good;
  world_.schedule.at(arrival(), [subject = std::string(subject), bytes = payload.bytes(),
                                 connection = peer_->connection, &world = world_, &server = server_] {
    if (!server.hears(*connection)) return;
    if (!world.chance(world.plan.publishes_lost)) server.publish(subject, {subject, {}, {}, bytes, 1});
  });
  return {};
}

Result<Bytes> SimulatedBus::request(std::string_view subject, const sanitize::CleanBytes& payload,
                                    std::chrono::milliseconds) {
  if (const auto good = ready(); !good) return tl::unexpected(good.error());
  if (!server_.up() || world_.chance(world_.plan.publishes_lost))
    return fail(ErrorCode::kTimeout, "nobody answered in time");
  auto answer = answer_ ? answer_(subject, payload) : std::nullopt;
  if (!answer) return fail(ErrorCode::kUnavailable, "nobody answers on the subject");
  return *std::move(answer);
}

Result<std::unique_ptr<snake::Subscription>> SimulatedBus::subscribe(std::string_view subject,
                                                                     snake::DeliveryHandler handler) {
  if (!spend()) return fail(ErrorCode::kUnavailable, "the process is dead");
  const std::uint64_t id = ++made_;
  peer_->subscribers.emplace(id, Peer::Subscriber{std::string(subject), std::move(handler)});
  server_.business().look();
  return std::make_unique<SimulatedSubscription>(peer_, id);
}

void SimulatedBus::to_server(std::string_view reply, void (MessageServer::*call)(std::string_view)) {
  world_.schedule.at(arrival(), [reply = std::string(reply), call, connection = peer_->connection,
                                 &world = world_, &server = server_] {
    if (!server.hears(*connection)) return;
    if (!world.chance(world.plan.acknowledgements_lost)) (server.*call)(reply);
  });
}

Result<void> SimulatedBus::acknowledge(std::string_view reply) {
  if (const auto good = ready(); !good) return good;
  to_server(reply, &MessageServer::acknowledge);
  return {};
}

Result<void> SimulatedBus::redeliver_after(std::string_view reply, std::chrono::milliseconds delay) {
  if (const auto good = ready(); !good) return good;
  server_.redeliver_after(reply, delay.count() * kNanosPerMilli);
  return {};
}

Result<void> SimulatedBus::terminate(std::string_view reply) {
  if (const auto good = ready(); !good) return good;
  to_server(reply, &MessageServer::terminate);
  return {};
}

Result<void> SimulatedBus::in_progress(std::string_view reply) {
  return redeliver_after(reply, std::chrono::milliseconds(BusinessStream::kAcknowledgeWait / kNanosPerMilli));
}

Result<std::vector<snake::Delivery>> SimulatedBus::pull(std::string_view stream, std::size_t most) {
  if (const auto good = ready(); !good) return tl::unexpected(good.error());
  if (!server_.up()) return fail(ErrorCode::kUnavailable, "the stream does not answer");
  auto deliveries = server_.pull(stream, most);
  // Lost on the way: delivered again when the acknowledgement is overdue.
  std::erase_if(deliveries, [&](const auto&) { return world_.chance(world_.plan.deliveries_lost); });
  return deliveries;
}

void SimulatedBus::connect() {
  if (peer_->connection != nullptr) return;
  peer_->connection = std::make_shared<Peer::Connection>();
  peer_->connection->life = server_.life();
  ++sessions_;
  server_.business().look();
  last_arrival_ = world_.schedule.now();
}

void SimulatedBus::break_connection() {
  if (peer_->connection == nullptr) return;
  peer_->connection->cut =
      world_.schedule.now() + static_cast<std::int64_t>(world_.random.below(2 * world_.plan.delay + 1));
  peer_->connection = nullptr;
}

void SimulatedBus::disconnect() {
  break_connection();
  while (!window_->empty())
    complete(world_, *window_, window_->begin()->first,
             fail(ErrorCode::kUnavailable, "the connection was lost"));
}

}  // namespace fluxrig::sim
