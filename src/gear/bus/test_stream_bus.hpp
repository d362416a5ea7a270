// A stream in memory that may be used from any thread: what was stored, in order, each message id once. Tests
// only.
#pragma once

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "snake/bus.hpp"

namespace fluxrig::gear::bus {

class TestStreamBus final : public snake::Bus {
 public:
  std::atomic<bool> is_connected{true};
  std::atomic<std::uint64_t> session_number{1};
  std::atomic<int> unanswered{0};    // so many next publishes are stored and never answered
  std::atomic<int> later_errors{0};  // so many next publishes fail with `error`
  Error error{ErrorCode::kUnavailable, 0, "by the test"};

  [[nodiscard]] std::vector<std::string> payloads() const {
    const std::lock_guard lock(mutex_);
    return payloads_;
  }

  Result<void> publish_stream(snake::Outgoing message, snake::PublishDone done) override {
    if (!is_connected) return fail(ErrorCode::kUnavailable, "not connected");
    if (later_errors > 0) {
      --later_errors;
      done(tl::unexpected(error));
      return {};
    }
    bool duplicate = false;
    {
      const std::lock_guard lock(mutex_);
      duplicate = !ids_.insert(message.message_id).second;
      if (!duplicate) payloads_.emplace_back(as_text(message.payload));
    }
    if (unanswered > 0) {
      --unanswered;
      return {};
    }
    done(snake::PublishReceipt{1, duplicate});
    return {};
  }
  Result<void> publish(std::string_view, const sanitize::CleanBytes&) override { return {}; }
  Result<Bytes> request(std::string_view, const sanitize::CleanBytes&, std::chrono::milliseconds) override {
    return fail(ErrorCode::kUnsupported, "not in this test");
  }
  Result<std::unique_ptr<snake::Subscription>> subscribe(std::string_view, snake::DeliveryHandler) override {
    return fail(ErrorCode::kUnsupported, "not in this test");
  }
  Result<void> acknowledge(std::string_view) override { return {}; }
  Result<void> redeliver_after(std::string_view, std::chrono::milliseconds) override { return {}; }
  Result<void> terminate(std::string_view) override { return {}; }
  bool connected() const noexcept override { return is_connected; }
  std::uint64_t session() const noexcept override { return session_number; }
  std::size_t unacknowledged() const noexcept override { return 0; }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> payloads_;
  std::set<std::string> ids_;
};

}  // namespace fluxrig::gear::bus
