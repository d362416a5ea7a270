// A bus in memory for the tests of bus_out and bus_in: streams to consumers by filter, with acknowledgements
// noted and failures on demand. Calls back on the calling thread. Tests only.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "snake/bus.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::gear::bus {

class TestBus final : public snake::Bus {
 public:
  // What is published under `filter` is delivered on `deliver`.
  void consumer(std::string filter, std::string deliver) {
    consumers_.emplace_back(std::move(filter), std::move(deliver));
  }
  // The next publishes are answered so, before others succeed.
  std::deque<Error> later_failures;
  std::atomic<bool> is_connected{true};  // also read by the outbox's thread
  bool deliver_published = true;         // false: stored only

  std::vector<snake::Outgoing> stored;  // without duplicates
  std::size_t publishes = 0;
  std::vector<std::string> acknowledged, redelivered, terminated, progressed;

  void deliver(const std::string& subject, snake::Delivery delivery) {
    const auto handler = handlers_.find(subject);
    if (handler != handlers_.end()) handler->second(std::move(delivery));
  }
  [[nodiscard]] static snake::Delivery delivery_of(const snake::Outgoing& message, std::string reply) {
    return {message.subject, std::move(reply), message.headers, message.payload.bytes(), 1};
  }
  [[nodiscard]] std::size_t stored_under(std::string_view filter) const {
    std::size_t count = 0;
    for (const auto& message : stored) count += snake::filters_overlap(filter, message.subject) ? 1U : 0U;
    return count;
  }

  Result<void> publish_stream(snake::Outgoing message, snake::PublishDone done) override {
    ++publishes;
    if (!is_connected) return fail(ErrorCode::kUnavailable, "not connected");
    if (!later_failures.empty()) {
      const Error error = later_failures.front();
      later_failures.pop_front();
      done(tl::unexpected(error));
      return {};
    }
    const bool duplicate = !message.message_id.empty() && !ids_.insert(message.message_id).second;
    if (!duplicate) stored.push_back(message);
    done(snake::PublishReceipt{stored.size(), duplicate});
    if (duplicate || !deliver_published) return {};
    for (const auto& [filter, subject] : consumers_)
      if (snake::filters_overlap(filter, message.subject))
        deliver(subject, delivery_of(message, "ack." + std::to_string(stored.size())));
    return {};
  }
  Result<void> publish(std::string_view, const sanitize::CleanBytes&) override { return {}; }
  Result<Bytes> request(std::string_view, const sanitize::CleanBytes&, std::chrono::milliseconds) override {
    return fail(ErrorCode::kUnsupported, "not in this test");
  }
  Result<std::unique_ptr<snake::Subscription>> subscribe(std::string_view subject,
                                                         snake::DeliveryHandler handler) override {
    handlers_[std::string(subject)] = std::move(handler);
    return std::make_unique<Ended>(*this, std::string(subject));
  }
  Result<void> acknowledge(std::string_view reply) override { return note(acknowledged, reply); }
  Result<void> redeliver_after(std::string_view reply, std::chrono::milliseconds) override {
    return note(redelivered, reply);
  }
  Result<void> terminate(std::string_view reply) override { return note(terminated, reply); }
  Result<void> in_progress(std::string_view reply) override { return note(progressed, reply); }
  bool connected() const noexcept override { return is_connected; }
  std::size_t unacknowledged() const noexcept override { return 0; }

 private:
  struct Ended final : snake::Subscription {
    Ended(TestBus& owner, std::string name) : bus(owner), subject(std::move(name)) {}
    Ended(const Ended&) = delete;
    Ended& operator=(const Ended&) = delete;
    ~Ended() override { bus.handlers_.erase(subject); }
    TestBus& bus;
    std::string subject;
  };
  static Result<void> note(std::vector<std::string>& list, std::string_view reply) {
    list.emplace_back(reply);
    return {};
  }

  std::vector<std::pair<std::string, std::string>> consumers_;
  std::map<std::string, snake::DeliveryHandler> handlers_;
  std::set<std::string> ids_;
};

}  // namespace fluxrig::gear::bus
