// A bus that the test answers for. Included by tests only. One thread.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/agent.hpp"
#include "snake/bus.hpp"

namespace fluxrig::rack {

class FakeBus final : public snake::Bus {
 public:
  struct Published {
    snake::Outgoing message;
    snake::PublishDone done;
  };
  Result<void> publish_stream(snake::Outgoing message, snake::PublishDone done) override {
    if (!up) return fail(ErrorCode::kUnavailable, "not connected");
    history.push_back(message);
    streamed.push_back({std::move(message), std::move(done)});
    return {};
  }
  Result<void> publish(std::string_view subject, const sanitize::CleanBytes& payload) override {
    plain.emplace_back(subject, payload.bytes());
    return {};
  }
  Result<Bytes> request(std::string_view, const sanitize::CleanBytes&, std::chrono::milliseconds) override {
    ++hellos;
    Bytes reply;
    model::encode(model::HelloReply{}, reply);
    return reply;
  }
  Result<std::unique_ptr<snake::Subscription>> subscribe(std::string_view subject,
                                                         snake::DeliveryHandler handler) override {
    handlers[std::string(subject)] = std::move(handler);
    return std::make_unique<snake::Subscription>();
  }
  Result<void> acknowledge(std::string_view) override { return {}; }
  Result<void> redeliver_after(std::string_view, std::chrono::milliseconds) override { return {}; }
  Result<void> terminate(std::string_view) override { return {}; }
  bool connected() const noexcept override { return up; }
  std::size_t unacknowledged() const noexcept override { return streamed.size(); }

  // The oldest that waits.
  void answer(const Result<snake::PublishReceipt>& result) {
    const auto one = std::move(streamed.front());
    streamed.erase(streamed.begin());
    one.done(result);
  }
  // The stream takes, or refuses, everything that waits.
  void answer_all(bool taken) {
    for (auto& one : std::exchange(streamed, {})) {
      if (taken)
        one.done(snake::PublishReceipt{});
      else
        one.done(fail(ErrorCode::kFull, "the stream is full"));
    }
  }

  bool up = true;
  int hellos = 0;
  std::vector<Published> streamed;  // not answered yet
  std::vector<snake::Outgoing> history;
  std::vector<std::pair<std::string, Bytes>> plain;
  std::map<std::string, snake::DeliveryHandler> handlers;
};

}  // namespace fluxrig::rack
