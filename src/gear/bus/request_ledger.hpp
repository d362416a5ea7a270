// Which requests a consuming gear has ended, and how, so that a redelivery does not run twice: the last ones
// by the request's id, in memory. A rack that starts again knows none. Bounded by entries and by bytes. One
// thread.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "snake/bus.hpp"

namespace fluxrig::gear::bus {

struct LedgerLimits {
  std::size_t entries = 65'536;
  std::size_t bytes = 8 << 20;  // of kept answers
};

class RequestLedger {
 public:
  explicit RequestLedger(LedgerLimits limits = {}) : limits_(limits) {}

  struct Entry {
    std::string request;
    std::optional<snake::Outgoing> answer;  // nullopt: none was asked for, or it was let go for room
    bool given_up = false;                  // it is a dead letter
  };

  // Replaces what is known of `request`; an empty id is not remembered. The oldest make room.
  void answered(std::string request, std::optional<snake::Outgoing> answer);
  void gave_up(std::string request);
  // Null when unknown; valid until the next call of the above.
  [[nodiscard]] const Entry* find(std::string_view request) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return order_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  void remember(Entry fresh);
  void let_go_of_answer(Entry& entry) noexcept;

  LedgerLimits limits_;
  std::list<Entry> order_;                                                       // oldest first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_request_;  // views into order_
  std::list<Entry>::iterator oldest_answer_ = order_.end();  // none before it holds an answer
  std::size_t bytes_ = 0;
};

}  // namespace fluxrig::gear::bus
