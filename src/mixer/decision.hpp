// What an operator decides about the audit chains, and the record of what operators did to the bus. A
// decision is judged against the state as last committed, and stored with who, when and why in one commit.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "sink/audit.hpp"

namespace fluxrig::mixer {

// Ends an alarm although what was found is still so. The same thing is not told again; another one is.
struct CloseAlarm {
  std::uint64_t alarm = 0;
};
// From this epoch on the machine's key is another one.
struct AcceptKey {
  sink::KeyPlace place;
  std::array<std::uint8_t, 32> key{};
  std::vector<std::uint64_t> alarms;  // that told of this very key: they end
};
// It is done already; it is only to be kept.
struct NoteAction {
  std::string action;
  std::string detail;
};

struct Decision {
  static constexpr std::size_t kMaxWhoBytes = 128;
  static constexpr std::size_t kMaxReasonBytes = 1'024;
  std::string who;
  std::string reason;
  std::variant<CloseAlarm, AcceptKey, NoteAction> what;
};

// Pure; any thread. kNotFound: no alarm of this number is open.
[[nodiscard]] Result<sink::AuditChanges> decide(const Decision& decision, const sink::AuditState& state,
                                                UnixNanos now);

// Where the API's threads hand their decisions to the ingest thread, which alone writes to the store, and
// wait for the outcome. Any thread; outlives both sides.
class DecisionDesk {
 public:
  static constexpr std::size_t kMaxWaiting = 64;

  // Waits. kFull: too many wait already. kTimeout: the store is busy or fails; the decision was withdrawn,
  // unless it was just being stored. kUnavailable: the mixer ends.
  [[nodiscard]] Result<void> submit(Decision decision, std::chrono::milliseconds patience);

  // The oldest that waits; nullptr: none. Whoever takes one answers it.
  struct Open {
    Decision decision;
    bool answered = false;
    Result<void> answer;
  };
  [[nodiscard]] std::shared_ptr<Open> take();
  void answer(const std::shared_ptr<Open>& open, Result<void> result);
  // Everybody who waits, and who comes later, is told that the mixer ends.
  void close();

 private:
  std::mutex mutex_;
  std::condition_variable answered_;
  std::deque<std::shared_ptr<Open>> waiting_;  // shared with the thread that waits, which may give up first
  bool closed_ = false;
};

}  // namespace fluxrig::mixer
