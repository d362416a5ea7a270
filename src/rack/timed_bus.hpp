// The bus as the gears see it: everything passes through, and the time that each acknowledgement of a
// business message takes is told, so that the link's window knows of a queue that P0 met. Any thread, as the
// bus.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "snake/bus.hpp"

namespace fluxrig::rack {

// How long acknowledgements took since the last look; bounded, the rest is not kept. Any thread.
class DelayLog {
 public:
  struct Entry {
    std::size_t bytes = 0;
    std::int64_t delay_nanos = 0;
    MonotonicNanos at;
  };
  static constexpr std::size_t kMaxEntries = 64;

  void add(const Entry& entry) {
    const std::lock_guard lock(mutex_);
    if (entries_.size() < kMaxEntries) entries_.push_back(entry);
  }
  [[nodiscard]] std::vector<Entry> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(entries_, {});
  }

 private:
  std::mutex mutex_;  // guards entries_
  std::vector<Entry> entries_;
};

class TimedBus final : public snake::Bus {
 public:
  // `bus` and `clock` outlive it and every callback; the log is shared with callbacks that outlive this
  // object.
  TimedBus(snake::Bus& bus, const Clock& clock, std::shared_ptr<DelayLog> log)
      : bus_(bus), clock_(clock), log_(std::move(log)) {}

  [[nodiscard]] Result<void> publish_stream(snake::Outgoing message, snake::PublishDone done) override {
    const std::size_t bytes = message.payload.size();
    return bus_.publish_stream(std::move(message),
                               [log = log_, bytes, began = clock_.monotonic(), &clock = clock_,
                                done = std::move(done)](Result<snake::PublishReceipt> receipt) {
                                 const MonotonicNanos now = clock.monotonic();
                                 if (receipt) log->add({bytes, now.value - began.value, now});
                                 done(receipt);
                               });
  }
  [[nodiscard]] Result<void> publish(std::string_view subject, const sanitize::CleanBytes& payload) override {
    return bus_.publish(subject, payload);
  }
  [[nodiscard]] Result<Bytes> request(std::string_view subject, const sanitize::CleanBytes& payload,
                                      std::chrono::milliseconds timeout) override {
    return bus_.request(subject, payload, timeout);
  }
  [[nodiscard]] Result<std::unique_ptr<snake::Subscription>> subscribe(
      std::string_view subject, snake::DeliveryHandler handler) override {
    return bus_.subscribe(subject, std::move(handler));
  }
  [[nodiscard]] Result<void> acknowledge(std::string_view reply) override { return bus_.acknowledge(reply); }
  [[nodiscard]] Result<void> redeliver_after(std::string_view reply,
                                             std::chrono::milliseconds delay) override {
    return bus_.redeliver_after(reply, delay);
  }
  [[nodiscard]] Result<void> terminate(std::string_view reply) override { return bus_.terminate(reply); }
  [[nodiscard]] Result<void> in_progress(std::string_view reply) override { return bus_.in_progress(reply); }
  [[nodiscard]] bool connected() const noexcept override { return bus_.connected(); }
  [[nodiscard]] std::uint64_t session() const noexcept override { return bus_.session(); }
  [[nodiscard]] std::size_t unacknowledged() const noexcept override { return bus_.unacknowledged(); }

 private:
  snake::Bus& bus_;
  const Clock& clock_;
  std::shared_ptr<DelayLog> log_;
};

}  // namespace fluxrig::rack
