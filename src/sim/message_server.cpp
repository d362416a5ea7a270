#include "sim/message_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "model/block.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::sim {
namespace {
constexpr const char* kActor = "server";
}

MessageServer::MessageServer(World& world)
    : world_(world),
      business_(world, {[this](std::string_view subject) { return reaches(subject); },
                        [this](std::string_view subject, const snake::Delivery& delivery) {
                          publish(subject, delivery);
                        }}) {
  const auto stream = [&](std::string_view name, std::string_view prefix) {
    Stream made;
    made.name = name;
    made.prefix = prefix;
    made.max_bytes = world.plan.stream_bytes;
    streams_.push_back(std::move(made));
  };
  stream(snake::kStreamAudit, "flux.audit.");
  stream(snake::kStreamTelemetry, "flux.telemetry.");
}

MessageServer::Stream* MessageServer::stream_of(std::string_view subject) {
  for (auto& stream : streams_)
    if (subject.starts_with(stream.prefix)) return &stream;
  return nullptr;
}

Result<snake::PublishReceipt> MessageServer::store(const snake::Outgoing& message) {
  if (message.subject.starts_with("flux.msg.")) return business_.store(message);
  Stream* stream = stream_of(message.subject);
  if (stream == nullptr) return fail(ErrorCode::kUnavailable, "no stream listens on the subject");
  if (world_.schedule.now() < refuses_until_) return fail(ErrorCode::kFull, "the server refuses");
  const std::uint64_t size = message.payload.size();
  if (stream->bytes + size > stream->max_bytes) return fail(ErrorCode::kFull, "the stream is full");
  stream->messages.emplace(++stream->last, Message{message, ++made_});
  stream->bytes += size;
  const auto block = model::decode_block(message.payload);
  world_.note(kActor, block ? "stored one block of kind" : "stored", stream->last,
              block ? static_cast<std::uint64_t>(block->head.kind) : size);
  if (on_message_) on_message_();
  return snake::PublishReceipt{stream->last, false};
}

// A message that nobody has read to its end.
void MessageServer::drop(Stream& stream, std::uint64_t sequence) {
  const auto& payload = stream.messages.at(sequence).content.payload;
  if (const auto block = model::decode_block(payload); block && block->head.lane == model::Lane::kTelemetry)
    world_.telemetry.lost(block->head);
  forget(stream, sequence);
}

void MessageServer::forget(Stream& stream, std::uint64_t sequence) {
  const auto found = stream.messages.find(sequence);
  if (found == stream.messages.end()) return;
  stream.bytes -= found->second.content.payload.size();
  stream.messages.erase(found);
  stream.unacknowledged.erase(sequence);
}

snake::Delivery MessageServer::deliver(Stream& stream, std::uint64_t sequence) {
  auto& waiting = stream.unacknowledged[sequence];
  waiting.deadline = world_.schedule.now() + kAcknowledgeWait;
  ++waiting.deliveries;
  const auto& [message, id] = stream.messages.at(sequence);
  return {message.subject, fmt::format("{}.{}.{}", stream.name, sequence, id), message.headers,
          message.payload.bytes(), waiting.deliveries};
}

std::vector<snake::Delivery> MessageServer::pull(std::string_view name, std::size_t most) {
  std::vector<snake::Delivery> deliveries;
  const auto stream =
      std::find_if(streams_.begin(), streams_.end(), [&](const Stream& one) { return one.name == name; });
  if (stream == streams_.end()) return deliveries;
  std::vector<std::uint64_t> again;
  for (const auto& [sequence, waiting] : stream->unacknowledged)
    if (waiting.deadline <= world_.schedule.now() && again.size() < most) again.push_back(sequence);
  for (const auto sequence : again) deliveries.push_back(deliver(*stream, sequence));
  for (auto next = stream->messages.upper_bound(stream->delivered);
       next != stream->messages.end() && deliveries.size() < most &&
       stream->unacknowledged.size() < kMaxUnacknowledged;
       ++next) {
    stream->delivered = next->first;
    deliveries.push_back(deliver(*stream, next->first));
  }
  return deliveries;
}

MessageServer::Place MessageServer::place_of(std::string_view reply) {
  for (auto& stream : streams_) {
    if (!reply.starts_with(stream.name)) continue;
    Place place{&stream, 0, 0};
    const char* end = reply.data() + reply.size();
    const auto sequence = std::from_chars(reply.data() + stream.name.size() + 1, end, place.sequence);
    (void)std::from_chars(sequence.ptr + 1, end, place.id);
    return place;
  }
  return {};
}

// As the real one does, it asks only whether the sequence waits for an acknowledgement: a late one may hit
// another message that has got the same sequence after a loss.
void MessageServer::acknowledge(std::string_view reply) {
  if (BusinessStream::owns(reply)) return business_.acknowledge(reply);
  const auto place = place_of(reply);
  if (place.stream == nullptr || !place.stream->unacknowledged.contains(place.sequence)) return;
  if (place.stream->messages.at(place.sequence).id == place.id)
    forget(*place.stream, place.sequence);
  else
    drop(*place.stream, place.sequence);
}

void MessageServer::terminate(std::string_view reply) {
  if (BusinessStream::owns(reply)) return business_.terminate(reply);
  acknowledge(reply);
}

void MessageServer::redeliver_after(std::string_view reply, std::int64_t delay) {
  if (BusinessStream::owns(reply)) return business_.redeliver_after(reply, delay);
  const auto place = place_of(reply);
  if (place.stream == nullptr) return;
  const auto waiting = place.stream->unacknowledged.find(place.sequence);
  if (waiting != place.stream->unacknowledged.end()) waiting->second.deadline = world_.schedule.now() + delay;
}

bool MessageServer::reaches(std::string_view subject) {
  if (!up_) return false;
  for (const auto& weak : peers_) {
    const auto peer = weak.lock();
    if (peer == nullptr || peer->connection == nullptr) continue;
    for (const auto& [id, subscriber] : peer->subscribers)
      if (snake::filters_overlap(subscriber.subject, subject)) return true;
  }
  return false;
}

void MessageServer::publish(std::string_view subject, const snake::Delivery& delivery) {
  std::erase_if(peers_, [](const std::weak_ptr<Peer>& peer) { return peer.expired(); });
  for (const auto& weak : peers_) {
    const auto peer = weak.lock();
    const auto connection = peer->connection;
    if (connection == nullptr) continue;
    for (const auto& [id, subscriber] : peer->subscribers) {
      if (!snake::filters_overlap(subscriber.subject, subject)) continue;
      const auto arrive = [weak, id = id, connection, &world = world_, delivery] {
        const auto reached = weak.lock();
        if (reached == nullptr || connection->cut <= world.schedule.now()) return;
        const auto found = reached->subscribers.find(id);
        if (found == reached->subscribers.end()) return;
        found->second.handler(delivery);
        if (reached->touched) reached->touched();
      };
      connection->last_delivery =
          std::max(connection->last_delivery + 1, world_.schedule.now() + world_.around(world_.plan.delay));
      world_.schedule.at(connection->last_delivery, arrive);
    }
  }
}

void MessageServer::lose_tails() {
  for (auto& stream : streams_) {
    std::uint64_t lost = stream.messages.empty() ? 0 : world_.random.below(stream.messages.size() + 1);
    while (lost-- != 0) {
      stream.last = stream.messages.rbegin()->first - 1;
      drop(stream, stream.messages.rbegin()->first);
    }
    stream.delivered = std::min(stream.delivered, stream.last);
  }
  business_.restart();
}

void MessageServer::wipe() {
  for (auto& stream : streams_) {
    while (!stream.messages.empty()) drop(stream, stream.messages.begin()->first);
    stream.unacknowledged.clear();
    stream.last = stream.delivered = 0;
  }
  business_.wipe();
}

void MessageServer::refuse_for(std::int64_t nanos) {
  refuses_until_ = world_.schedule.now() + nanos;
  if (nanos != 0) world_.note(kActor, "refuses for", static_cast<std::uint64_t>(nanos));
}

std::vector<mixer::StreamFill> MessageServer::fills() const {
  std::vector<mixer::StreamFill> fills;
  if (!up_) return fills;
  for (const auto& stream : streams_)
    fills.push_back({stream.name, stream.messages.size(), stream.bytes, stream.max_bytes, {}});
  return fills;
}

std::size_t MessageServer::waiting() const noexcept {
  std::size_t sum = business_.waiting();
  for (const auto& stream : streams_) sum += stream.messages.size();
  return sum;
}

}  // namespace fluxrig::sim
