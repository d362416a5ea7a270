// The thread around Link. It rests between two rounds for as long as Link says, and sleeps until something is
// due otherwise. Owned by Rack.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "rack/doorbell.hpp"
#include "rack/link.hpp"

namespace fluxrig::rack {

class LinkThread {
 public:
  static constexpr auto kLongestSleep = std::chrono::milliseconds(5000);

  LinkThread(Link& link, Doorbell& bell, const Clock& clock) noexcept
      : link_(link), bell_(bell), clock_(clock) {}
  ~LinkThread() { stop(std::chrono::milliseconds(0)); }
  LinkThread(const LinkThread&) = delete;
  LinkThread& operator=(const LinkThread&) = delete;

  void start();
  // Keeps sending until the mixer has everything, at most `patience`; joins. True: it has.
  bool stop(std::chrono::milliseconds patience);

 private:
  void run();
  Link& link_;
  Doorbell& bell_;
  const Clock& clock_;
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> give_up_{0};
  bool settled_ = false;
};

}  // namespace fluxrig::rack
