// A sender behind a TunnelWindow, over a modelled link. Tests only.
#pragma once

#include <algorithm>
#include <queue>
#include <vector>

#include "base/random.hpp"
#include "pressure/link_model.hpp"
#include "pressure/tunnel_window.hpp"

namespace fluxrig::pressure {

inline constexpr std::int64_t kSecond = kNanosPerSecond;
inline constexpr std::int64_t kMilli = kNanosPerMilli;

// A sender with an endless backlog over one link; woken by pacing and by acknowledgements alone.
class Sender {
 public:
  Sender(LinkModel link, std::uint64_t seed, TunnelWindow::Options options = {})
      : link_(link), random_(seed), window_(options) {}

  // Until `until`; forgets what was measured before.
  void until(std::int64_t until) {
    waits_.clear();
    delivered_ = 0;
    began_ = now_;
    while (now_ < until) {
      for (; live_every_ != 0 && live_at_ <= now_; live_at_ += live_every_) ++live_waiting_;
      for (; live_waiting_ > 0 && window_.may_send(kLiveBytes, {now_}); --live_waiting_) send(kLiveBytes);
      while (live_waiting_ == 0 && window_.may_send(window_.chunk_bytes(), {now_}))
        send(window_.chunk_bytes());
      now_ = std::max(now_ + 1, std::min(next(), until)) + wakes_late_;
      for (; !flight_.empty() && flight_.top().first <= now_; flight_.pop()) {
        delivered_ += flight_.top().second.bytes;
        window_.acknowledged(flight_.top().second, {wakes_late_ == 0 ? now_ : flight_.top().first});
      }
      most_in_flight_ = std::max(most_in_flight_, window_.in_flight_bytes());
    }
  }
  // Fresh records come as well, one each `nanos`, and go before the backlog.
  void live_every(std::int64_t nanos) {
    live_every_ = nanos;
    live_at_ = now_;
  }
  void wakes_late(std::int64_t nanos) { wakes_late_ = nanos; }
  // The server looks at its work so often, and answers all that came together.
  void answers_every(std::int64_t nanos) { tick_ = nanos; }
  // All that is in flight arrives, and nothing new leaves.
  void drain() {
    for (; !flight_.empty(); flight_.pop()) {
      now_ = flight_.top().first;
      window_.acknowledged(flight_.top().second, {now_});
    }
  }
  // Of the link's rate.
  [[nodiscard]] double used() const {
    return static_cast<double>(delivered_) / link_.bytes_per_s /
           (static_cast<double>(now_ - began_) / kSecond);
  }
  // How long chunks waited for the link, at this quantile.
  [[nodiscard]] double waited(double quantile) {
    std::sort(waits_.begin(), waits_.end());
    return waits_.empty()
               ? 0
               : static_cast<double>(
                     waits_[static_cast<std::size_t>(quantile * static_cast<double>(waits_.size() - 1))]);
  }
  [[nodiscard]] TunnelWindow& window() { return window_; }
  [[nodiscard]] LinkModel& link() { return link_; }
  [[nodiscard]] std::int64_t now() const { return now_; }
  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }
  [[nodiscard]] std::uint64_t most_in_flight() const { return most_in_flight_; }

 private:
  using InFlight = std::pair<std::int64_t, TunnelWindow::Ticket>;
  struct Later {
    bool operator()(const InFlight& a, const InFlight& b) const { return a.first > b.first; }
  };
  static constexpr std::uint64_t kLiveBytes = 700;

  void send(std::uint64_t bytes) {
    const auto ticket = window_.sent(bytes, {now_});
    const std::int64_t answered = link_.send(bytes, {now_}, random_).answered.value;
    flight_.emplace((answered + tick_ - 1) / tick_ * tick_, ticket);
    waits_.push_back(link_.waited);
  }
  [[nodiscard]] std::int64_t next() const {
    const std::int64_t paced = window_.next_send().value;
    const std::int64_t acknowledged = flight_.empty() ? paced : flight_.top().first;
    const std::int64_t next = paced > now_ ? std::min(paced, acknowledged) : acknowledged;
    return live_every_ == 0 ? next : std::min(next, live_at_);
  }

  LinkModel link_;
  SeededRandom random_;
  TunnelWindow window_;
  std::priority_queue<InFlight, std::vector<InFlight>, Later> flight_;
  std::vector<std::int64_t> waits_;
  std::int64_t now_ = kSecond;
  std::int64_t began_ = 0;
  std::int64_t live_every_ = 0, live_at_ = 0;
  std::int64_t wakes_late_ = 0;
  std::int64_t tick_ = 1;
  std::uint64_t live_waiting_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t most_in_flight_ = 0;
};

inline LinkModel link_of(double bits_per_s, std::int64_t round_trip_ms, double loss = 0) {
  LinkModel link;
  link.bytes_per_s = bits_per_s / 8;
  link.round_trip = round_trip_ms * kMilli;
  link.loss = loss;
  link.noise_percent = 1;
  return link;
}

}  // namespace fluxrig::pressure
