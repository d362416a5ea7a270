#include "sim/business_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sim/business_message.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::sim {
namespace {

constexpr const char* kActor = "messages";

}  // namespace

Result<snake::PublishReceipt> BusinessStream::store(const snake::Outgoing& message) {
  const std::int64_t now = world_.schedule.now();
  if (const auto known = ids_.find(message.message_id); known != ids_.end()) {
    if (now - known->second.second < kDuplicateWindow)
      return snake::PublishReceipt{known->second.first, true};
    ids_.erase(known);
  }
  if (bytes_ + message.payload.size() > world_.plan.business_bytes)
    return fail(ErrorCode::kFull, "the stream is full");
  const auto number = message_number(message.payload);
  if (!number) {
    world_.oracle.fail("no message that nobody sent", "a message in the stream has another content");
    return fail(ErrorCode::kInvalid, "not one of ours");
  }
  messages_.emplace(++last_, Message{message, *number, ++made_});
  bytes_ += message.payload.size();
  if (!message.message_id.empty()) ids_[message.message_id] = {last_, now};
  world_.note(kActor, "stored", last_, *number);
  world_.messages.stored(*number);
  look();
  return snake::PublishReceipt{last_, false};
}

void BusinessStream::ensure_consumer(const std::string& name, std::string filter, std::string deliver) {
  auto& consumer = consumers_[name];
  consumer.filter = std::move(filter);
  consumer.deliver = std::move(deliver);
  look();
}

void BusinessStream::look() { look_at(world_.schedule.now()); }

void BusinessStream::look_at(std::int64_t time) {
  if (turn_at_ <= time) return;
  turn_at_ = time;
  world_.schedule.at(time, [this, number = ++turns_] {
    if (number == turns_) turn();
  });
}

void BusinessStream::turn() {
  turn_at_ = INT64_MAX;
  for (auto& [name, consumer] : consumers_) serve(consumer);
}

// Without anybody who listens nothing is delivered, and nothing counts as tried.
void BusinessStream::serve(Consumer& consumer) {
  if (!ways_.reaches(consumer.deliver)) return;
  const std::int64_t now = world_.schedule.now();
  std::vector<std::uint64_t> due;
  for (const auto& [sequence, waiting] : consumer.unacknowledged)
    if (waiting.deadline <= now) due.push_back(sequence);
  for (const auto sequence : due) {
    if (consumer.unacknowledged.at(sequence).deliveries >= kMaxDeliveries)
      end(sequence, false);
    else
      deliver(consumer, sequence);
  }
  for (auto next = messages_.upper_bound(consumer.delivered);
       next != messages_.end() && consumer.unacknowledged.size() < kMaxUnacknowledged; ++next) {
    consumer.delivered = next->first;
    if (snake::filters_overlap(consumer.filter, next->second.content.subject)) deliver(consumer, next->first);
  }
  for (const auto& [sequence, waiting] : consumer.unacknowledged)
    look_at(std::max(waiting.deadline, now + 1));
}

void BusinessStream::deliver(Consumer& consumer, std::uint64_t sequence) {
  auto& waiting = consumer.unacknowledged[sequence];
  waiting.deadline = world_.schedule.now() + kAcknowledgeWait;
  ++waiting.deliveries;
  if (world_.chance(world_.plan.deliveries_lost)) return;
  const auto& [message, number, id] = messages_.at(sequence);
  ways_.send(
      consumer.deliver,
      {message.subject, fmt::format("{}.{}.{}.{}", snake::kStreamMessages, consumer.deliver, id, sequence),
       message.headers, message.payload.bytes(), waiting.deliveries});
}

bool BusinessStream::owns(std::string_view reply) noexcept {
  return reply.starts_with(snake::kStreamMessages);
}

BusinessStream::Place BusinessStream::place_of(std::string_view reply) {
  const auto begin = snake::kStreamMessages.size() + 1;
  const auto last = reply.rfind('.');
  const auto middle = reply.rfind('.', last - 1);
  const auto deliver = reply.substr(begin, middle - begin);
  Place place;
  std::uint64_t id = 0;
  (void)std::from_chars(reply.data() + middle + 1, reply.data() + last, id);
  (void)std::from_chars(reply.data() + last + 1, reply.data() + reply.size(), place.sequence);
  for (auto& [name, consumer] : consumers_)
    if (consumer.deliver == deliver && consumer.unacknowledged.contains(place.sequence))
      place.consumer = &consumer;
  if (place.consumer != nullptr) place.another = messages_.at(place.sequence).id != id;
  return place;
}

// As the real one does, they ask only whether the sequence waits: a late answer may hit another message that
// has got the same sequence after a loss.
void BusinessStream::acknowledge(std::string_view reply) {
  const auto place = place_of(reply);
  if (place.consumer == nullptr) return;
  if (place.another) return lose(place.sequence);
  const auto message = messages_.at(place.sequence);
  world_.note(kActor, "acknowledged", place.sequence, message.number);
  world_.messages.acknowledged(message.number);
  acknowledged_.emplace_back(place.sequence, message);
  if (acknowledged_.size() > kRecentAcknowledgements) acknowledged_.pop_front();
  forget(place.sequence);
  look();
}

void BusinessStream::terminate(std::string_view reply) {
  const auto place = place_of(reply);
  if (place.consumer == nullptr) return;
  if (place.another) return lose(place.sequence);
  end(place.sequence, true);
}

void BusinessStream::redeliver_after(std::string_view reply, std::int64_t delay) {
  const auto place = place_of(reply);
  if (place.consumer == nullptr) return;
  auto& waiting = place.consumer->unacknowledged.at(place.sequence);
  waiting.deadline = world_.schedule.now() + delay;
  look_at(waiting.deadline);
}

// Moved to the dead letters, with its reason.
void BusinessStream::end(std::uint64_t sequence, bool terminated) {
  const auto number = messages_.at(sequence).number;
  world_.note(kActor, terminated ? "dead letter: terminated" : "dead letter: deliveries", sequence, number);
  world_.messages.dead(number, terminated);
  forget(sequence);
}

void BusinessStream::forget(std::uint64_t sequence) {
  const auto found = messages_.find(sequence);
  if (found == messages_.end()) return;
  bytes_ -= found->second.content.payload.size();
  messages_.erase(found);
  for (auto& [name, consumer] : consumers_) consumer.unacknowledged.erase(sequence);
}

void BusinessStream::lose(std::uint64_t sequence) {
  const auto& message = messages_.at(sequence);
  world_.note(kActor, "lost", sequence, message.number);
  world_.messages.lost_by_server(message.number);
  forget(sequence);
}

void BusinessStream::lose_newest() {
  const auto newest = std::prev(messages_.end());
  ids_.erase(newest->second.content.message_id);
  last_ = newest->first - 1;
  lose(newest->first);
}

// The newest messages are gone and their sequences are given again; acknowledgements are forgotten, and what
// they were for is delivered again. Ids are known of what is still there.
void BusinessStream::restart() {
  for (auto lost = messages_.empty() ? 0 : world_.random.below(messages_.size() + 1); lost != 0; --lost)
    lose_newest();
  for (auto back = world_.random.below(acknowledged_.size() + 1); back != 0; --back) {
    auto [sequence, message] = std::move(acknowledged_.back());
    acknowledged_.pop_back();
    if (sequence > last_) continue;  // lost with them
    bytes_ += message.content.payload.size();
    messages_.emplace(sequence, std::move(message));
  }
  acknowledged_.clear();
  std::erase_if(ids_, [this](const auto& id) { return !messages_.contains(id.second.first); });
  for (auto& [name, consumer] : consumers_) {
    consumer.delivered = std::min(consumer.delivered, last_);
    for (const auto& [sequence, message] : messages_)
      if (sequence <= consumer.delivered && snake::filters_overlap(consumer.filter, message.content.subject))
        consumer.unacknowledged.try_emplace(sequence);
  }
}

void BusinessStream::wipe() {
  while (!messages_.empty()) lose_newest();
  consumers_.clear();
  acknowledged_.clear();
  ids_.clear();
  last_ = 0;
}

}  // namespace fluxrig::sim
